"""Whisper's weights: which there are, where they lie, and fetching them without hanging on a network that is not there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx

from cutroom.errors import SetupError
from cutroom.speech.download import WrongBytes, download, reachable

HOST = "https://openaipublic.azureedge.net/main/whisper/models"


class Weights(NamedTuple):
    """A published model: its file's SHA-256 and its size on disk."""

    sha256: str
    mib: int


PUBLISHED = {
    "tiny": Weights("65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9", 72),
    "tiny.en": Weights("d3dd57d32accea0b295c96e26691aa14d8822fac7d9d27d5dc00b4ca2826dd03", 72),
    "base": Weights("ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e", 139),
    "base.en": Weights("25a8566e1d0c1e2231d1c762132cd20e0f96a85d16145c3a00adf5d1ac670ead", 139),
    "small": Weights("9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794", 461),
    "small.en": Weights("f953ad0fd29cacd07d5a9eda5624af0f6bcf2258be67c92b79389873d91e0872", 461),
    "medium": Weights("345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1", 1457),
    "medium.en": Weights("d7440d1dc186f76616474e0ff0b3b6b879abc9d1a4926b7adfa41db2d497ab4f", 1457),
    "large-v3": Weights("e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb", 2944),
    "large-v3-turbo": Weights("aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a", 1544),
}
ALIASES = {"large": "large-v3", "turbo": "large-v3-turbo"}


def published_name(model: str) -> str:
    """The full name of a published model. Raises SetupError (`whisper_model_unknown`)."""
    name = ALIASES.get(model, model)
    if name not in PUBLISHED:
        known = ", ".join([*PUBLISHED, *ALIASES])
        raise SetupError(
            f"CUTROOM_WHISPER_MODEL names no model; use one of {known}, or the path of a .pt file.", code="whisper_model_unknown"
        )
    return name


def cache_dir() -> Path:
    """The folder that whisper itself keeps its weights in."""
    return Path(os.getenv("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"


def cached(model: str) -> Path | None:
    """The weights on this machine, a `.pt` file named by its path among them. Raises SetupError for an unknown model."""
    if model.endswith(".pt"):
        if not Path(model).is_file():
            raise SetupError("CUTROOM_WHISPER_MODEL names a file that is not there.", code="whisper_model_unknown")
        return Path(model)
    path = cache_dir() / f"{published_name(model)}.pt"
    return path if path.is_file() else None


def address(model: str) -> str:
    """Where a published model is fetched from."""
    name = published_name(model)
    return f"{HOST}/{PUBLISHED[name].sha256}/{name}.pt"


def fetchable(model: str) -> bool:
    """Whether the weights can be had from their publisher now; asks for 5 s at most."""
    return reachable(address(model))


def fetch(model: str, told: Callable[[float], None]) -> Path:
    """The weights, from the cache or else fetched into it; `told(share)` after each MiB.

    Raises SetupError (`whisper_weights_missing`) where the publisher is silent for 10 s or sends something else.
    """
    found = cached(model)
    if found:
        return found
    name = published_name(model)
    target = cache_dir() / f"{name}.pt"
    try:
        download(address(model), target, PUBLISHED[name].sha256, told)
    except (httpx.HTTPError, WrongBytes) as error:
        raise missing(name) from error
    return target


def missing(name: str) -> SetupError:
    return SetupError(
        f"Whisper's weights could not be fetched: put {name}.pt into {cache_dir()}, or give a captions file.",
        code="whisper_weights_missing",
    )
