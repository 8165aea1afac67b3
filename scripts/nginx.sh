#!/bin/sh
# Prints the path of nginx: of the one on this machine, else of the one under .tools/, unpacked first from Debian's package where
# it is missing, which needs no root.
set -eu
cd "$(dirname "$0")/.."
kept=$PWD/.tools/nginx

if PATH=$PATH:/usr/sbin command -v nginx; then
    exit
fi
if [ ! -x "$kept" ]; then
    echo "Fetching nginx, which the tests of the server's way in need ..." >&2
    mkdir -p .tools
    work=$(mktemp -d "$PWD/.tools/new-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    if ! { scripts/debian.sh nginx "$work" && mv "$work/usr/sbin/nginx" "$kept"; }; then
        echo "nginx could not be fetched. Install it (Debian: apt install nginx-light), so that it is on PATH." >&2
        exit 1
    fi
fi
echo "$kept"
