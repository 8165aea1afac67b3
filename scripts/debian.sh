#!/bin/sh
# debian.sh PACKAGE FOLDER: unpacks Debian's package into FOLDER. Needs no root and changes nothing of the machine; what it says
# goes to stderr.
set -eu
command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || exit 1
mkdir -p "$2"
cd "$2"
work=$(mktemp -d "$PWD/.apt-XXXXXX")
trap 'rm -rf "$work"' EXIT
# Package lists of our own: those of the machine may be empty, and only root may fill them.
mkdir -p "$work/lists/partial" "$work/archives/partial"
own="-qq -o Dir::State::lists=$work/lists -o Dir::Cache=$work -o APT::Sandbox::User=$(id -un 2> /dev/null || echo root) -o Acquire::http::Timeout=10"
# shellcheck disable=SC2086  # several words
(apt-get $own update && cd "$work" && apt-get $own download "$1" && dpkg-deb -x "$1"_*.deb ..) >&2
