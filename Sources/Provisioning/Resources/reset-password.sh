#!/bin/sh
# Resets the password of a host to the default, which the next login must change, and the access to JupyterLab: without
# its password, it accepts only a new token, which the message of the day shows. Runs as root; the preceding lines set
# the two variables. Prints "jupyter" and "login" for each access that was reset.
set -eu
: "${dss_user:?}" "${dss_password:?}"

id "$dss_user" >/dev/null 2>&1 || { echo "user '$dss_user' does not exist" >&2; exit 1; }

hooks=/usr/local/lib/dss/seal.d
access=/usr/local/lib/dss/jupyter-access

# A machine that was not sealed has the programs of its roles that set the default password.
for hook in "$hooks"/*; do
    if [ -x "$hook" ]; then printf '%s\n' "$dss_password" | "$hook" >/dev/null; fi
done

if [ -x "$access" ]; then
    "$access" forget
    # A running JupyterLab accepts the old password, token and sessions until it restarts.
    if [ -d /run/systemd/system ]; then systemctl try-restart jupyter.service; fi
    echo jupyter
fi

printf '%s:%s\n' "$dss_user" "$dss_password" | chpasswd
chage --lastday 0 "$dss_user"
echo login
