#!/bin/sh
# Runs the gateway. A kill while it put an upload together left the upload's folder under another name, and the gateway would
# answer that all is well while the object is not there: such folders get their names back first, and completing again works.
set -eu
find "$1" -path '*/.sgwtmp/multipart/*' -type d -name '*.inprogress' | while IFS= read -r folder; do
    mv "$folder" "${folder%.*-*.inprogress}"
done
exec versitygw --port :7070 --region us-east-1 --quiet --health /health posix "$1"
