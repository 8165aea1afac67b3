#!/bin/sh
# Prints a folder that holds `promtool` and `prometheus`: where both are on PATH, else one under .tools/, filled first where it
# is missing: from Debian's package, which needs no root to be unpacked, or from the project's own release.
set -eu
cd "$(dirname "$0")/.."
oldest=2.42 # knows keep_firing_for
version=2.53.4
release=prometheus-$version.linux-amd64
sha256=b8b497c4610d1b93208252b60c8f20f6b2e78596ae8df43397a2e805aa53d475
kept=$PWD/.tools/prometheus

recent() { # whether the promtool given is new enough
    found=$("$1" --version 2>&1 | sed -n 's/^promtool, version \([0-9.]*\).*/\1/p')
    [ "$(printf '%s\n' "$oldest" "$found" | sort -V | head -n 1)" = "$oldest" ]
}

from_debian() {
    scripts/debian.sh prometheus "$work/debian" || return 1
    programs=$work/debian/usr/bin
    recent "$programs/promtool"
}

from_release() {
    [ "$(uname -sm)" = "Linux x86_64" ] || return 1
    url=https://github.com/prometheus/prometheus/releases/download/v$version/$release.tar.gz
    curl --fail --silent --show-error --location --connect-timeout 10 --output "$work/$release.tar.gz" "$url" || return 1
    echo "$sha256  $work/$release.tar.gz" | sha256sum --check --quiet >&2 || return 1
    tar -xzf "$work/$release.tar.gz" -C "$work"
    programs=$work/$release
}

if command -v prometheus > /dev/null && command -v promtool > /dev/null && recent promtool; then
    dirname "$(command -v promtool)"
    exit
fi
if [ ! -x "$kept/promtool" ]; then
    mkdir -p .tools
    work=$(mktemp -d "$PWD/.tools/new-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    echo "Fetching Prometheus, which the tests of the alerts need ..." >&2
    if ! { from_debian || from_release; }; then
        echo "Prometheus could not be fetched. Put promtool and prometheus, $oldest or newer, on PATH." >&2
        exit 1
    fi
    mkdir "$work/programs"
    mv "$programs/promtool" "$programs/prometheus" "$work/programs"
    [ -x "$kept/promtool" ] || mv "$work/programs" "$kept"
fi
echo "$kept"
