#!/bin/sh
# Prints .env.example with a fresh secret in place of each empty value: `sh scripts/make-env.sh > .env`.
set -eu
cd "$(dirname "$0")/.."

secret() { # 32 letters and digits, 190 bits; they need no quoting in a URL
    LC_ALL=C tr -dc 'A-Za-z0-9' < /dev/urandom | head -c 32
}

if [ -f /dev/stdout ]; then
    chmod 600 /dev/stdout
fi
while IFS= read -r line; do
    case $line in
    *=) printf '%s%s\n' "$line" "$(secret)" ;;
    *) printf '%s\n' "$line" ;;
    esac
done < .env.example
