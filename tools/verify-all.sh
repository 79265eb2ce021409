#!/bin/sh
# Builds the sandbox once and boots its images on every kind of virtual hardware and firmware, two at a time.
# Needs root. Usage: tools/verify-all.sh [hardware:format ...]
set -eu
unset CDPATH
cd "$(dirname "$0")/.."
dss=$PWD/.build/debug/dss
id=verify-all
DSS_DEFAULT_PASSWORD=${DSS_DEFAULT_PASSWORD:-$(openssl rand -hex 8)}
export DSS_DEFAULT_PASSWORD

[ $# -gt 0 ] || set -- vmware:vmdk hyperv:vhd virtualbox:vmdk virtualbox:ova qemu:qcow2 qemu-uefi:raw qemu-uefi:vhdx ec2:raw
bucket=$(mktemp -d /var/tmp/dss-verify.XXXXXX)
trap '$dss delete-assets --asset-id $id --bucket "$bucket" --yes >/dev/null; rm -rf "$bucket"' EXIT
$dss create-vm --asset-id $id --bucket "$bucket" \
    --format vhd --format vmdk --format raw --format qcow2 --format ova --format vhdx

# Each report goes to a file, so that parallel reports do not mix. One line per image says whether it passed or failed.
check() {
    # shellcheck disable=SC2016 # the inner shell expands the variables
    printf '%s\n' "$@" | xargs -P 2 -I '{}' sh -c '
        hardware=${1%%:*} format=${1#*:} report=$2/$hardware-$format.txt
        if "$3" verify-vm "$2"/*/*/*."$format" --hardware "$hardware" --logs "$2" > "$report" 2>&1
        then echo "passed $1: $(tail -n 1 "$report")"
        else echo "FAILED $1"; cat "$report"; exit 1
        fi' sh '{}' "$bucket" "$dss"
}
check "$@"
