#!/bin/sh
# Makes .env of .env.example, with a fresh secret for each that is empty there. Where there is a .env, it keeps all that has a
# value and fills in what is empty or missing.
set -eu
cd "$(dirname "$0")/.."

secret() { # 32 letters and digits, 190 bits; they need no quoting in a URL
    LC_ALL=C tr -dc 'A-Za-z0-9' < /dev/urandom | head -c 32
}

if [ -e .env ]; then from=.env; else from=.env.example; fi
new=$(mktemp .env.XXXXXX) # readable by its owner alone
trap 'rm -f "$new"' EXIT
secrets=" $(sed -n 's/^\([A-Z0-9_]*\)=$/\1/p' .env.example | tr '\n' ' ')"

while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    *=) case $secrets in *" ${line%=} "*) line=$line$(secret) ;; esac ;;
    esac
    printf '%s\n' "$line"
done < "$from" > "$new"
for name in $secrets; do
    grep -Eq "^[[:space:]]*(export[[:space:]]+)?$name[[:space:]]*[=:]" "$new" || printf '%s=%s\n' "$name" "$(secret)" >> "$new"
done
mv "$new" .env
