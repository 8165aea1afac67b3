#!/bin/sh
# Finds Python 3.11 and hands over to setup.py.
set -eu
for python in ${PYTHON:-python3.11 python3 python}; do
    if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; then
        exec "$python" "$(dirname "$0")/setup.py" "$@"
    fi
done
echo "Cutroom needs Python 3.11 and found none (looked for ${PYTHON:-python3.11, python3, python})." >&2
echo "Install it (Debian: apt install python3.11 python3.11-venv), or name one: make setup PYTHON=/path/to/python3.11" >&2
exit 1
