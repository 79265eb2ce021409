#!/bin/sh
# Installs what is missing on a Debian or Ubuntu machine: packages (asks for root only then) and Ansible in .venv.
# Usage: tools/setup.sh [packages-file ...]
set -eu
cd "$(dirname "$0")/.."

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

installed() {
    dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

missing=""
packages=$(sed 's/#.*//' "${@:-tools/packages.txt}")
for package in $packages; do
    installed "$package" || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "installing:$missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi

stamp=.venv/.requirements
if ! cmp -s tools/requirements.txt "$stamp"; then
    echo "installing Ansible into .venv"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "Ansible needs Python 3.11 or newer; this machine has $(python3 --version)" >&2
        exit 69
    }
    python3 -m venv --clear .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --requirement tools/requirements.txt
    cp tools/requirements.txt "$stamp"
fi

if ! command -v swift >/dev/null; then
    echo "Swift 6.2 or newer is needed to build dss and was not found in PATH; see https://www.swift.org/install" >&2
    exit 69
fi
