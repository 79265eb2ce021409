#!/bin/bash
# Writes a tree as a layer of a container image, the same bytes for the same files whenever it runs.
#
# The tree is a whole root file system or the changes of an overlay: there a device 0:0 stands for what was removed
# and an attribute for a directory that hides the one below; a layer says both by names (OCI image specification,
# "Whiteouts"). What belongs to a running system and what a build leaves is not taken.
#
# Usage: layer.sh TREE SCRATCH TIME BLOB COMPRESSOR...; prints the SHA-256 of the archive before compression.
set -euo pipefail
export LC_ALL=C
tree=$1 scratch=$2 time=$3 blob=$4
shift 4

cd "$tree"
mkdir "$scratch/whiteouts"
mkfifo "$scratch/marks"
find . -mindepth 1 \( \
    -path './dev/*' -o -path './proc/*' -o -path './run/*' -o -path './sys/*' -o -path './tmp/*' -o \
    -path './var/tmp/*' -o -path './boot/*' -o -path './var/log/journal' -o \
    -path './etc/machine-id' -a -size +0 -o -path './var/lib/dbus/machine-id' -o -path './etc/*-' -o \
    -path './etc/.pwd.lock' -o -path './etc/ssh/ssh_host_*' -o -path './etc/resolv.conf' -a -size +0 -o \
    -path './var/cache/ldconfig/*' -o -path './var/cache/apt/*.bin' -o -path './var/cache/apt/archives/*' -o \
    -path './var/cache/debconf/*-old' -o -path './var/lib/apt/lists/*' -o -path './var/lib/dpkg/*-old' -o \
    -path './var/lib/dpkg/lock*' -o -path './var/lib/private/*' -o -path './var/cache/private/*' -o \
    -path './var/lib/systemd/random-seed' -o -path './var/lib/systemd/credential.secret' -o \
    -path './var/lib/systemd/catalog/database' -o -path './var/lib/systemd/timers/*' -o \
    -path './usr/local/lib/dss/seal.d' -o \
    \( -path './root/*' -o -path './home/*' \) -a \( -name .ansible -o -name .cache -o -name .ssh -o \
        -name .aws -o -name .docker -o -name '.*_history' -o -name .git-credentials -o -name .netrc \) \
    \) -prune -o \
    -type c -fprintf "$scratch/removed" '%P\0' -o \
    -type f -path './var/log/*' -o -type s -o -type p -o \
    -fprintf "$scratch/found" '%P\0'

sort -z "$scratch/found" >"$scratch/files"

# Makes the files that say what is hidden, and lists them.
mark() {
    while IFS= read -r -d '' path; do
        mkdir -p "$scratch/whiteouts/$(dirname "$path")"
        : >"$scratch/whiteouts/$(dirname "$path")/.wh.$(basename "$path")"
    done <"$scratch/removed"
    find . -type d -print0 |
        xargs -0 getfattr --no-dereference --absolute-names --match '^trusted\.overlay\.opaque$' 2>/dev/null |
        sed -n 's/^# file: //p' >"$scratch/opaque"
    while IFS= read -r path; do
        mkdir -p "$scratch/whiteouts/$path"
        : >"$scratch/whiteouts/$path/.wh..wh..opq"
    done <"$scratch/opaque"
    chmod -R u=rwX,go=rX "$scratch/whiteouts"
    (cd "$scratch/whiteouts" && find . -type f -printf '%P\0' | sort -z)
}

# Passes a stream on and writes its SHA-256 to a file, in pipes of the most that any user may have: tee, which moves
# 8 KiB at a time, and a second process that hashes take longer.
hash_on_the_way() {
    /usr/bin/python3 -IS -c '
import fcntl, hashlib, os, sys
for pipe in 0, 1:
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
hash, buffer = hashlib.sha256(), memoryview(bytearray(1 << 18))
while count := os.readv(0, [buffer]):
    hash.update(buffer[:count])
    written = 0
    while written < count:
        written += os.write(1, buffer[written:count])
with open(sys.argv[1], "w") as file:
    print(hash.hexdigest(), file=file)
' "$1"
}

# While the first files are compressed.
mark >"$scratch/marks" &
marking=$!
trap 'kill "$marking" 2>/dev/null || true' EXIT
tar --create --format=pax --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime --numeric-owner \
    --mtime="@$time" --clamp-mtime --xattrs --xattrs-include=security.capability --no-recursion --verbatim-files-from \
    --null --directory="$tree" --files-from="$scratch/files" \
    --directory="$scratch/whiteouts" --files-from="$scratch/marks" |
    hash_on_the_way "$scratch/sum" | "$@" >"$blob"
wait "$marking"
trap - EXIT
cat "$scratch/sum"
