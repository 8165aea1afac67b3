"""Whisper's weights as converted for faster-whisper: which there are, where they lie, and fetching them.

Revisions, sizes and hashes are those that several public projects pin for these repositories; a file is kept only where its hash
is right. The English-only models have no hashes on record, and are used by openai-whisper.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx

from cutroom.errors import SetupError
from cutroom.speech.download import WrongBytes, download, reachable
from cutroom.speech.weights import ALIASES

HOST = "https://huggingface.co"


class File(NamedTuple):
    """A published file: its size in bytes, and its SHA-256."""

    size: int
    sha256: str


class Converted(NamedTuple):
    """A published folder, at one revision of its repository."""

    repository: str
    revision: str
    files: dict[str, File]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files.values())


_TOKENIZER = File(2203239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab")
_VOCABULARY = File(459861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913")
_PREPROCESSOR = File(340, "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711")
_VOCABULARY_V3 = File(1068114, "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1")


def _small(name: str, revision: str, config: File, model: File) -> Converted:
    files = {"config.json": config, "tokenizer.json": _TOKENIZER, "vocabulary.txt": _VOCABULARY, "model.bin": model}
    return Converted(f"Systran/faster-whisper-{name}", revision, files)


def _v3(repository: str, revision: str, config: File, tokenizer: File, model: File) -> Converted:
    files = {"config.json": config, "preprocessor_config.json": _PREPROCESSOR, "tokenizer.json": tokenizer}
    return Converted(repository, revision, files | {"vocabulary.json": _VOCABULARY_V3, "model.bin": model})


PUBLISHED = {
    "tiny": _small(
        "tiny",
        "d90ca5fe260221311c53c58e660288d3deb8d356",
        File(2249, "a73a28cdfe1c43ccc7202fa333d1f89c202477271407ae9a7f19afa52039cac8"),
        File(75538270, "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1"),
    ),
    "base": _small(
        "base",
        "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        File(2309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        File(145217532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
    ),
    "small": _small(
        "small",
        "536b0662742c02347bc0e980a01041f333bce120",
        File(2370, "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828"),
        File(483546902, "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671"),
    ),
    "medium": _small(
        "medium",
        "08e178d48790749d25932bbc082711ddcfdfbc4f",
        File(2257, "3622a2ddc41ec0e0fd4e68c13c6830f03b90c38d89aaad184de02c8c642cf807"),
        File(1527906378, "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae"),
    ),
    "large-v3": _v3(
        "Systran/faster-whisper-large-v3",
        "edaa852ec7e145841d8ffdb056a99866b5f0a478",
        File(2394, "a9306624f5ec14270a014b647e5c316b6e03a662c369758d1b90697a7b0655b9"),
        File(2480617, "6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca"),
        File(3087284237, "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1"),
    ),
    "large-v3-turbo": _v3(
        "deepdml/faster-whisper-large-v3-turbo-ct2",
        "4df90f75321148c3a29a9e2351b7ddf8f5b115a8",
        File(2263, "b0253ea6c0d3bea6b1e19e91a02acfd3b53f4467362efcb5a3e6b16c9b3a9b7e"),
        File(2710337, "297b13372ac43916285644fb9687add3cc62ee2a1adb60da3dc25cc94c1871fd"),
        File(1617884929, "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da"),
    ),
}


def published(model: str) -> Converted | None:
    """What is published of a model; None for one that only openai-whisper has."""
    return PUBLISHED.get(ALIASES.get(model, model))


def folder_of(model: str) -> Path:
    """Where a published model's files lie on this machine."""
    caches = Path(os.getenv("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "cutroom" / "faster-whisper" / ALIASES.get(model, model)


def cached(model: str) -> Path | None:
    """The folder of a model on this machine, one named by its path among them; None where a file is missing or cut off."""
    if (Path(model) / "model.bin").is_file():
        return Path(model)
    known, folder = published(model), folder_of(model)
    if known is None:
        return None
    whole = all((folder / name).is_file() and (folder / name).stat().st_size == file.size for name, file in known.files.items())
    return folder if whole else None


def address(known: Converted, name: str) -> str:
    """Where a file is fetched from."""
    return f"{HOST}/{known.repository}/resolve/{known.revision}/{name}"


def fetchable(model: str) -> bool:
    """Whether a model can be had from its publisher now."""
    known = published(model)
    return known is not None and reachable(address(known, "config.json"))


def fetch(model: str, told: Callable[[float], None]) -> Path:
    """The folder of a model, from the cache or else fetched into it; `told(share)` after each MiB.

    Raises SetupError (`whisper_weights_missing`) where the publisher is silent for 10 s or sends something else.
    """
    found = cached(model)
    if found:
        return found
    known, folder = published(model), folder_of(model)
    if known is None:
        raise _missing(model, folder)
    done = 0
    for name, file in known.files.items():
        if not ((folder / name).is_file() and (folder / name).stat().st_size == file.size):
            (folder / name).unlink(missing_ok=True)
            share_before, share = done / known.size, file.size / known.size
            try:
                download(address(known, name), folder / name, file.sha256, partial(_told_of_all, told, share_before, share))
            except (httpx.HTTPError, WrongBytes) as error:
                raise _missing(model, folder) from error
        done += file.size
    return folder


def _told_of_all(told: Callable[[float], None], before: float, share: float, of_this: float) -> None:
    told(min(1.0, before + share * of_this))


def _missing(model: str, folder: Path) -> SetupError:
    return SetupError(
        f"The weights for faster-whisper could not be fetched: put the files of {model} into {folder}, or give a captions file.",
        code="whisper_weights_missing",
    )
