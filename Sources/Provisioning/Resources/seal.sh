#!/bin/sh
# Seals the machine: sets a default password that must be changed at first login, and removes all traces of the build
# and the machine's identity. Runs as root; the preceding lines set the two variables.
set -eu
: "${dss_user:?}" "${dss_password:?}"

id "$dss_user" >/dev/null 2>&1 || { echo "the playbook created no user '$dss_user'" >&2; exit 1; }

# First the secrets of the roles: each hook reads the default password from standard input.
for hook in /usr/local/lib/dss/seal.d/*; do
    if [ -x "$hook" ]; then printf '%s\n' "$dss_password" | "$hook" >/dev/null; fi
done
rm -rf /usr/local/lib/dss/seal.d

# The login: set and expire the password, and lock root.
printf '%s:%s\n' "$dss_user" "$dss_password" | chpasswd
chage --lastday 0 "$dss_user"
usermod --lock root 2>/dev/null

# Allow SSH logins with a password in every file that sshd reads, because the first value of a setting wins.
for file in /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf; do
    [ -f "$file" ] || continue
    sed -i -E 's/^[#[:space:]]*PasswordAuthentication[[:space:]].*/PasswordAuthentication yes/I' "$file"
    grep -qi '^PasswordAuthentication yes' "$file" || sed -i '1i PasswordAuthentication yes' "$file"
done
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub

# Files that users and tools leave in home directories.
for home in /root /home/*; do
    [ -d "$home" ] || continue
    (cd "$home" && rm -rf .ssh .ansible .aws .cache .config/pip .docker .git-credentials .gnupg .netrc .pip .pypirc \
        .bash_history .python_history .sqlite_history .lesshst .viminfo .wget-hsts .sudo_as_admin_successful)
    # What JupyterLab and its kernels write while they run, as on a machine that was booted again to resume its build.
    # Their settings and folders stay, because roles make them.
    (cd "$home" && rm -rf .jupyter/migrated .jupyter/lab/workspaces .local/share/jupyter/runtime/* \
        .local/share/jupyter/nbsignatures.db* .local/share/jupyter/notebook_secret \
        .ipython/profile_default/db .ipython/profile_default/history.sqlite* .ipython/profile_default/log \
        .ipython/profile_default/pid .ipython/profile_default/security .ipython/profile_default/startup/README)
    for folder in .ipython/profile_default/startup .ipython/profile_default; do
        if [ -d "$home/$folder" ]; then rmdir --ignore-fail-on-non-empty "$home/$folder"; fi
    done
    # Not those below, which Python distributions contain.
    find "$home" -xdev -maxdepth 3 -type d -name .ipynb_checkpoints -prune -exec rm -rf {} +
done

# Reset cloud-init, so that it runs as on a new machine.
rm -rf /var/lib/cloud /run/cloud-init /etc/sudoers.d/90-cloud-init-users /etc/netplan/50-cloud-init.yaml

# Identity: systemd creates a new machine-id if the file is empty.
: > /etc/machine-id
[ -L /var/lib/dbus/machine-id ] || rm -f /var/lib/dbus/machine-id
rm -f /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /var/lib/NetworkManager/*

# The times at which timers ran: what is due is due at the usual time of day, and not at the first boot.
rm -f /var/lib/systemd/timers/stamp-* /var/lib/apt/periodic/*

# Caches, logs and temporary files. The journal continues in memory; otherwise, shutdown messages would be written to
# the disk again.
journalctl --relinquish-var 2>/dev/null || true
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/cache/debconf/*-old \
    /var/lib/dpkg/*-old /var/log/journal/* /var/lib/dhcp/* /var/lib/sudo/* /var/lib/private/* /var/cache/private/*
find /var/log /var/tmp /tmp -xdev -mindepth 1 \( -type f -o -type s -o -type p \) -delete
find /var/tmp /tmp -xdev -mindepth 1 -depth -type d -empty -delete
rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid-
sync
