#!/bin/sh
# Prints those NAME=VERSION of which a newer version is installed, if this machine installs security updates by itself.
#
# Usage: updated.sh LOGS NAME=VERSION...; LOGS is the directory in which unattended-upgrades says what it has installed.
set -eu
find "$1" -name 'unattended-upgrades-dpkg.log*' 2>/dev/null | grep -q . || exit 0
shift

for wanted in "$@"; do
    found=$(dpkg-query --show --showformat='${db:Status-Status} ${Version}' "${wanted%%=*}" 2>/dev/null) || continue
    case $found in
    "installed "*) ! dpkg --compare-versions "${found#* }" gt "${wanted#*=}" || echo "$wanted" ;;
    esac
done
