#!/bin/sh
# mmdebstrap --essential-hook: runs after the essential packages are installed and before all others. $1 is the root,
# DSS_BASE_FILES the directory with the other files of the base system, DSS_PROFILE is vm, container or tiny.
set -eu
root=$1

# Not with --dpkgopt, because mmdebstrap would then pipe every package through its slow tar filter.
install -m 644 "$DSS_BASE_FILES/excludes.cfg" "$root/etc/dpkg/dpkg.cfg.d/50-sandbox"
rm -rf "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/*
find "$root/usr/share/doc" -mindepth 1 -depth \( ! -type d ! -name copyright -o -type d -empty \) -delete

# Use the packages downloaded by base-extract.sh; the lock is released when the download has ended.
flock "$root/loaded/lock" true
mv "$root"/loaded/*.deb "$root/var/cache/apt/archives"
rm -r "$root/loaded"

# Skip the generation of host keys, which would be removed again: openssh-server creates no key if the file exists.
for kind in rsa ecdsa ed25519; do install -D -m 600 /dev/null "$root/etc/ssh/ssh_host_${kind}_key"; done

[ "$DSS_PROFILE" = vm ] || exit 0

# Each package with a hook would regenerate the initramfs; base-finish.sh generates it once.
chroot "$root" dpkg-divert --quiet --local --rename --divert /usr/sbin/update-initramfs.later --add \
    /usr/sbin/update-initramfs
printf '#!/bin/sh\nexit 0\n' >"$root/usr/sbin/update-initramfs"
chmod 755 "$root/usr/sbin/update-initramfs"
mkdir -p "$root/etc/initramfs-tools/conf.d"
printf 'MODULES=most\nCOMPRESS=zstd\nCOMPRESSLEVEL=3\nFSTYPE=ext4\n' >"$root/etc/initramfs-tools/conf.d/sandbox"

# With LABEL= the fsck hook cannot inspect the device, so FSTYPE above sets the file system type.
cat >"$root/etc/fstab" <<'EOF'
LABEL=root / ext4 errors=remount-ro 0 1
LABEL=ESP /boot/efi vfat umask=0077,nofail,x-systemd.device-timeout=5 0 0
EOF
