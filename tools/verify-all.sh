#!/bin/sh
# Builds the sandbox once and boots its images on every kind of virtual hardware and firmware. Needs root.
# Usage: tools/verify-all.sh [hardware:format ...]
set -eu
cd "$(dirname "$0")/.."
dss=.build/debug/dss
id=verify-all
DSS_DEFAULT_PASSWORD=${DSS_DEFAULT_PASSWORD:-$(openssl rand -hex 8)}
export DSS_DEFAULT_PASSWORD

[ $# -gt 0 ] || set -- vmware:vmdk hyperv:vhd virtualbox:vmdk virtualbox:ova qemu:qcow2 qemu-uefi:raw ec2:raw
bucket=$(mktemp -d /var/tmp/dss-verify.XXXXXX)
trap '$dss delete-assets --asset-id $id --bucket "$bucket" --yes >/dev/null; rm -rf "$bucket"' EXIT
$dss create-vm --asset-id $id --bucket "$bucket" \
    --format vhd --format vmdk --format raw --format qcow2 --format ova

failed=""
for combination in "$@"; do
    image=$(ls "$bucket"/*/$id/*."${combination#*:}")
    $dss verify-vm "$image" --hardware "${combination%%:*}" || failed="$failed $combination"
done
[ -z "$failed" ] || { echo "failed on:$failed" >&2; exit 1; }
echo "all passed: $*"
