#!/bin/sh
# Installs missing dependencies on a Debian or Ubuntu host: packages (the only step that needs root) and Ansible in
# .venv. With --tests, also installs the two AWS emulators of the tests in .venv-aws and .venv-ministack, and the
# template linters in .venv-templates.
# Usage: tools/setup.sh [--tests] [packages-file ...]
set -eu
# Variables with which cd goes elsewhere, and Python and pip install elsewhere or something else.
unset CDPATH PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER PIP_CONSTRAINT PIP_REQUIREMENT PIP_DRY_RUN \
    PIP_NO_DEPS
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

# Whether a virtual environment works. Its programs contain the path of its Python, so it breaks if the folder moves,
# and its packages belong to the minor version of Python that created it.
alive() {
    case $("$1/bin/pip" --version 2>/dev/null) in *" from $(pwd -P)/$1/"*) ;; *) return 1 ;; esac
}

# Creates a virtual environment from a requirements file. A copy of the file in the environment marks it as up to date.
virtual_environment() {
    folder=$1 requirements=$2 content=$3
    if cmp -s "$requirements" "$folder/.requirements" && alive "$folder"; then return; fi
    echo "installing $content into $folder"
    python3 -m venv --clear "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$folder/.requirements"
}

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Ansible requires Python 3.11 or newer; this host has $(python3 --version)" >&2
    exit 69
}
# At the same time, since each of them mostly uses one processor.
virtual_environment .venv tools/requirements.txt Ansible &
jobs=$!
if "$tests"; then
    virtual_environment .venv-aws tools/test-requirements.txt "the AWS emulator for tests" &
    jobs="$jobs $!"
    virtual_environment .venv-ministack tools/ministack-requirements.txt "the second AWS emulator for tests" &
    jobs="$jobs $!"
    virtual_environment .venv-templates tools/template-lint-requirements.txt "the template linters" &
    jobs="$jobs $!"
fi
status=0
for job in $jobs; do
    wait "$job" || status=$?
done
[ "$status" -eq 0 ] || exit "$status"

if ! command -v swift >/dev/null; then
    echo "Swift was not found in PATH; building dss requires Swift 6.2 or newer: https://www.swift.org/install" >&2
    exit 69
fi
