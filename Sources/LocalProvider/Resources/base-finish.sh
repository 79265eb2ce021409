#!/bin/sh
# mmdebstrap --customize-hook: runs after everything except DSS_PACKAGES is installed, for a VM including the kernel.
# $1 is the root, DSS_BASE_FILES the directory with the other files of the base system, DSS_PROFILE is vm, container or
# tiny.
set -eu
root=$1

make_ramdisk() {
    for kernel in "$root"/lib/modules/*; do
        [ ! -d "$kernel" ] || chroot "$root" update-initramfs.later -c -k "${kernel##*/}"
    done
}

install_rest() {
    # shellcheck disable=SC2086 # a list of words
    APT_CONFIG=$MMDEBSTRAP_APT_CONFIG DEBIAN_FRONTEND=noninteractive apt-get --yes \
        -oDPkg::Chroot-Directory="$root" -oAPT::Install-Recommends=false install $DSS_PACKAGES
}

if [ "$DSS_PROFILE" = vm ]; then
    # Generate the initramfs and install the packages that it does not depend on in parallel.
    make_ramdisk &
    ramdisk=$!
    install_rest
    wait "$ramdisk"
    rm "$root/usr/sbin/update-initramfs"
    chroot "$root" dpkg-divert --quiet --local --rename --divert /usr/sbin/update-initramfs.later --remove \
        /usr/sbin/update-initramfs
fi

# GRUB finds the file system by its label and the kernel by its link, until update-grub replaces grub.cfg.
if [ "$DSS_PROFILE" = vm ]; then
    for platform in i386-pc x86_64-efi arm64-efi; do
        modules=$root/usr/lib/grub/$platform
        [ -d "$modules" ] || continue
        mkdir -p "$root/boot/grub/$platform"
        cp "$modules"/*.mod "$modules"/*.lst "$root/boot/grub/$platform/"
    done
    mkdir -p "$root/boot/efi"
    install -m 644 "$DSS_BASE_FILES/grub.default" "$root/etc/default/grub"
    install -m 600 "$DSS_BASE_FILES/grub.cfg" "$root/boot/grub/grub.cfg"
    rm -f "$root/vmlinuz.old" "$root/initrd.img.old"
fi

echo sandbox >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 sandbox\n::1 localhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"
echo LANG=C.UTF-8 >"$root/etc/default/locale"
echo Etc/UTC >"$root/etc/timezone"
ln -sf /usr/share/zoneinfo/Etc/UTC "$root/etc/localtime"

# Remove the traces of the build. machine-id is emptied and not removed, so that systemd does not treat the next boot as
# the first boot.
: >"$root/etc/machine-id"
: >"$root/etc/resolv.conf"
rm -f "$root"/etc/ssh/ssh_host_*_key* "$root"/etc/apt/apt.conf.d/99mmdebstrap \
    "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$root"/var/lib/dpkg/*-old "$root"/var/cache/debconf/*-old
rm -rf "$root"/var/lib/systemd/catalog/database "$root"/var/lib/dbus/machine-id
find "$root/var/log" -type f -delete

# The sources of the build may contain passwords.
rm -f "$root"/etc/apt/sources.list.d/*
install -m 644 "$DSS_BASE_FILES/image.list" "$root/etc/apt/sources.list"
if [ "$DSS_PROFILE" = vm ] && [ -e "$DSS_BASE_FILES/cloud.cfg" ]; then
    install -m 644 "$DSS_BASE_FILES/cloud.cfg" "$root/etc/cloud/cloud.cfg.d/90-dss-sources.cfg"
fi
