#!/bin/sh
# mmdebstrap --extract-hook: the essential packages are unpacked and not installed yet. $1 is the root,
# DSS_FIRST_PACKAGES and DSS_PACKAGES are all that will be installed later.
#
# Loads them while the essential ones are installed; what goes wrong here, apt meets again and tells then. dpkg's status
# is still empty, so apt wants the essential packages too: it finds the files that are there.
set -eu
root=$1

# shellcheck disable=SC2086 # a list of words
load() {
    APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get --quiet --yes -oAPT::Install-Recommends=false -oDebug::NoLocking=true \
        -oDir::Cache::archives="$root/loaded" -oDir::Cache::pkgcache= -oDir::Cache::srcpkgcache= \
        --download-only install apt $DSS_FIRST_PACKAGES $DSS_PACKAGES
}

mkdir -p "$root/loaded/partial"
ln "$root"/var/cache/apt/archives/*.deb "$root/loaded"
exec 9>"$root/loaded/lock"
flock 9
load >"$root/loaded/log" 2>&1 &
