"""Aligners in processes of their own: pocketsphinx keeps the interpreter's lock while it searches, so that two of them in one
process would take turns, with each other and with all else that a worker does.

    python -m cutroom.speech.aligners       answers on its standard output what is asked on its standard input, until that ends

A question is a line of JSON and, after it, as many bytes of sound as the line says; an answer is a line of JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from threading import Timer
from typing import IO, Any

import numpy as np

from cutroom.errors import ToolFailed
from cutroom.speech.align import Aligner, Timed
from cutroom.speech.sound import Samples

# A quarter of a minute of sound takes less than a second, the first dictionary two.
LONGEST_S = 120.0


class Aligners:
    """As many as threads ask at a time, kept between calls because a dictionary takes a while to load."""

    def __init__(self) -> None:
        self._idle: list[subprocess.Popen[bytes]] = []

    def align(self, samples: Samples, words: Sequence[str], language: str, *, strict: bool = True) -> list[Timed | None]:
        """See `Aligner.align`. Raises ToolFailed where an aligner dies or does not answer."""
        times = self._answer({"words": list(words), "language": language, "strict": strict}, samples.tobytes())
        return [Timed(*time) if time else None for time in times]

    def knows(self, word: str) -> bool:
        """See `Aligner.knows`. Raises ToolFailed."""
        return bool(self._answer({"known": word}))

    def _answer(self, question: dict[str, Any], sound: bytes = b"") -> Any:
        child = self._free()
        try:
            answer = _asked(child, question, sound)
        except BaseException:
            child.kill()
            child.communicate()
            raise
        self._idle.append(child)
        return answer

    def _free(self) -> subprocess.Popen[bytes]:
        with suppress(IndexError):  # none is idle
            while (child := self._idle.pop()).poll() is not None:
                child.communicate()
            return child
        # It has no use for what else this process was told; it ends when its input does, so with this process, too.
        given = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "cutroom.speech.aligners"]
        return subprocess.Popen(command, env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)


@cache
def aligners() -> Aligners:
    """Those of this process."""
    return Aligners()


def _asked(child: subprocess.Popen[bytes], question: dict[str, Any], sound: bytes) -> Any:
    assert child.stdin is not None
    assert child.stdout is not None
    patience = Timer(LONGEST_S, child.kill)
    patience.start()
    try:
        child.stdin.write(json.dumps({**question, "bytes": len(sound)}).encode() + b"\n" + sound)
        child.stdin.flush()
        return json.loads(child.stdout.readline())
    except (BrokenPipeError, json.JSONDecodeError) as error:
        raise ToolFailed(f"The aligner died, or did not answer within {LONGEST_S:g} s.") from error
    finally:
        patience.cancel()


def answer_all(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until there are no more questions."""
    aligner = Aligner()
    for line in questions:
        asked = json.loads(line)
        samples: Samples = np.frombuffer(questions.read(asked["bytes"]), dtype=np.int16)
        if "known" in asked:
            answer: Any = aligner.knows(asked["known"])
        else:
            answer = aligner.align(samples, asked["words"], asked["language"], strict=asked["strict"])
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    answer_all(sys.stdin.buffer, sys.stdout.buffer)
