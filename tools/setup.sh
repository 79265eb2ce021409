#!/bin/sh
# Installs what is missing on a Debian or Ubuntu machine: packages (asks for root only then) and Ansible in .venv.
# With --tests also the two AWS stand-ins of the tests, in .venv-aws and .venv-ministack, and the linters of templates,
# in .venv-templates.
# Usage: tools/setup.sh [--tests] [packages-file ...]
set -eu
cd "$(dirname "$0")/.."

tests=false
if [ "${1:-}" = --tests ]; then
    tests=true
    shift
fi

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

# Makes a virtual environment from a requirements file, unless it was made from this very file: a copy of it is the stamp.
virtual_environment() {
    folder=$1 requirements=$2 content=$3
    if cmp -s "$requirements" "$folder/.requirements"; then return; fi
    echo "installing $content into $folder"
    python3 -m venv --clear "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$folder/.requirements"
}

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Ansible needs Python 3.11 or newer; this machine has $(python3 --version)" >&2
    exit 69
}
virtual_environment .venv tools/requirements.txt Ansible
if "$tests"; then
    virtual_environment .venv-aws tools/test-requirements.txt "the AWS stand-in of the tests"
    virtual_environment .venv-ministack tools/ministack-requirements.txt "a second AWS stand-in"
    virtual_environment .venv-templates tools/template-lint-requirements.txt "the linters of templates"
fi

if ! command -v swift >/dev/null; then
    echo "Swift 6.2 or newer is needed to build dss and was not found in PATH; see https://www.swift.org/install" >&2
    exit 69
fi
