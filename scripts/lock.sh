#!/bin/sh
# Resolves requirements.lock anew from pyproject.toml: hashed, for every platform, naming no index. The torch family stays out:
# requirements-torch.txt pins it, and the right build is chosen at set-up.
set -eu
cd "$(dirname "$0")/.."
uv=$(ls -d .tools/*/bin/uv | tail -n 1)

resolve() {
    "$uv" pip compile pyproject.toml --group dev --constraint requirements-torch.txt --python-version 3.11 --universal \
        --no-header --no-emit-index-url --quiet "$@"
}

torch_family=$(resolve --no-annotate | sed -n 's/^\(torch\|torchvision\|triton\|nvidia-[a-z0-9-]*\|cuda-[a-z0-9-]*\)==.*/\1/p' | grep -vx nvidia-ml-py)
# shellcheck disable=SC2046  # one argument for each name
resolve --generate-hashes $(printf ' --no-emit-package %s' $torch_family) > requirements.lock.new
mv requirements.lock.new requirements.lock
