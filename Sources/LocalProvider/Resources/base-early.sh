#!/bin/sh
# mmdebstrap --essential-hook: the essential packages are there, all others come later. $1 is the root,
# DSS_BASE_FILES the directory of the other files of a base, DSS_PROFILE is vm, container or tiny.
set -eu
root=$1

# Here and not by --dpkgopt: there mmdebstrap would send every package through its slow tar filter.
install -m 644 "$DSS_BASE_FILES/excludes.cfg" "$root/etc/dpkg/dpkg.cfg.d/50-sandbox"
rm -rf "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/*
find "$root/usr/share/doc" -mindepth 1 -depth \( ! -type d ! -name copyright -o -type d -empty \) -delete

# What base-extract.sh began to load; the lock is free when it has ended.
flock "$root/loaded/lock" true
mv "$root"/loaded/*.deb "$root/var/cache/apt/archives"
rm -r "$root/loaded"

# All of these would be removed again; sshd's package makes no key where there is a file.
for kind in rsa ecdsa ed25519; do install -D -m 600 /dev/null "$root/etc/ssh/ssh_host_${kind}_key"; done

[ "$DSS_PROFILE" = vm ] || exit 0

# Each package with a hook would make the initial RAM disk anew; base-finish.sh makes it, once.
chroot "$root" dpkg-divert --quiet --local --rename --divert /usr/sbin/update-initramfs.later --add \
    /usr/sbin/update-initramfs
printf '#!/bin/sh\nexit 0\n' >"$root/usr/sbin/update-initramfs"
chmod 755 "$root/usr/sbin/update-initramfs"
mkdir -p "$root/etc/initramfs-tools/conf.d"
printf 'MODULES=most\nCOMPRESS=zstd\nCOMPRESSLEVEL=3\nFSTYPE=ext4\n' >"$root/etc/initramfs-tools/conf.d/sandbox"

# With LABEL= the hook of fsck cannot look at the device, so the type stands in FSTYPE above.
cat >"$root/etc/fstab" <<'EOF'
LABEL=root / ext4 errors=remount-ro 0 1
LABEL=ESP /boot/efi vfat umask=0077,nofail,x-systemd.device-timeout=5 0 0
EOF
