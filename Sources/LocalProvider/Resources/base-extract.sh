#!/bin/sh
# mmdebstrap --extract-hook: runs after the essential packages are unpacked and before they are installed. $1 is the
# root; DSS_FIRST_PACKAGES and DSS_PACKAGES are all packages to be installed later.
#
# Downloads them while the essential packages are installed. Errors are ignored here, because apt reports them when it
# installs. dpkg's status is still empty, so apt also wants the essential packages and finds their existing files.
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
