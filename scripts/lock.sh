#!/bin/sh
# Resolves requirements.lock anew from pyproject.toml, and from it what each image installs: hashed, for every platform, naming
# no index. The torch family stays out: requirements-torch.txt pins it, and the right build is chosen at set-up.
set -eu
cd "$(dirname "$0")/.."
uv=$(ls -d .tools/*/bin/uv | tail -n 1)

resolve() {
    "$uv" pip compile --constraint requirements-torch.txt --python-version 3.11 --universal \
        --no-header --no-emit-index-url --quiet "$@"
}

everything="pyproject.toml --all-extras --group dev"
# shellcheck disable=SC2086  # words
torch_family=$(resolve $everything --no-annotate | sed -n 's/^\(torch\|torchvision\|triton\|nvidia-[a-z0-9-]*\|cuda-[a-z0-9-]*\)==.*/\1/p' | grep -vx nvidia-ml-py)

lock() {
    lock_file=$1
    shift
    # shellcheck disable=SC2046  # one argument for each name
    resolve "$@" --generate-hashes $(printf ' --no-emit-package %s' $torch_family) > "$lock_file.new"
    mv "$lock_file.new" "$lock_file"
}

# shellcheck disable=SC2086
lock requirements.lock $everything
lock deploy/requirements/build.lock --group build --constraint requirements.lock
lock deploy/requirements/api.lock pyproject.toml --extra image --constraint requirements.lock
lock deploy/requirements/cpu.lock pyproject.toml --extra image --extra media --constraint requirements.lock
lock deploy/requirements/gpu.lock pyproject.toml --extra image --extra media --extra models --constraint requirements.lock
