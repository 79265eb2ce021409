#!/bin/sh
# Resets the password of a host to the default: for the login, which must change it the next time, and for JupyterLab.
# Runs as root; the preceding lines set the two variables. Prints "jupyter" and "login" for each password that was set.
set -eu
: "${dss_user:?}" "${dss_password:?}"

id "$dss_user" >/dev/null 2>&1 || { echo "user '$dss_user' does not exist" >&2; exit 1; }

hooks=/usr/local/lib/dss/seal.d
message=/etc/update-motd.d/99-jupyter

# The same program that sealing runs for JupyterLab, and then removes.
write_hash='
import json, os, shutil, sys
from pathlib import Path
from jupyter_server.auth import passwd

def write(path, text):
    part = path.with_name(path.name + ".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    os.replace(part, path)

config, default, user = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
hashed = passwd(sys.stdin.readline().rstrip("\n"))
settings = json.loads(config.read_text()) if config.exists() else {}
settings.setdefault("IdentityProvider", {})["hashed_password"] = hashed
write(config, json.dumps(settings, indent=2) + "\n")
shutil.chown(config, user, user)
default.parent.mkdir(parents=True, exist_ok=True)
write(default, hashed + "\n")
'

if [ -d "$hooks" ]; then
    for hook in "$hooks"/*; do
        if [ -x "$hook" ]; then printf '%s\n' "$dss_password" | "$hook" >/dev/null; fi
    done
elif [ -e "$message" ]; then
    python=$(sed -n 's|^"\(.*\)/bin/jupyter" server password$|\1/bin/python|p' /usr/local/bin/change-jupyter-password)
    printf '%s\n' "$dss_password" | "$python" -IB -c "$write_hash" \
        "$(sed -n 's|^config=||p' "$message")" "$(sed -n 's|^default=||p' "$message")" "$dss_user"
fi
if [ -e "$message" ]; then
    # A running JupyterLab uses the old password until it restarts.
    if [ -d /run/systemd/system ]; then systemctl try-restart jupyter.service; fi
    echo jupyter
fi

printf '%s:%s\n' "$dss_user" "$dss_password" | chpasswd
chage --lastday 0 "$dss_user"
echo login
