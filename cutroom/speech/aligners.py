"""Aligners in processes of their own: pocketsphinx keeps the interpreter's lock while it searches, so that two of them in one
process would take turns, with each other and with all else that a worker does.

    python -m cutroom.speech.aligners       answers on its standard output what is asked on its standard input, until that ends

A question is a line of JSON and, after it, as many bytes of sound as the line says; an answer is a line of JSON.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from threading import Lock, Timer
from typing import IO, Any

import numpy as np

from cutroom.errors import ToolFailed
from cutroom.speech.align import Aligner, Timed
from cutroom.speech.sound import Samples

# A quarter of a minute of sound takes less than a second, the first dictionary two.
LONGEST_S = 120.0
# Each is 90 MB, which other steps can use once a recording's words are found.
IDLE_S = 5.0


class Aligners:
    """As many as threads ask at a time, kept for `idle_s` or a little longer because a dictionary takes a while to load."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._idle: list[tuple[float, subprocess.Popen[bytes]]] = []  # since when
        self._retiring = False
        self._lock = Lock()

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
        with self._lock:
            self._idle.append((time.monotonic(), child))
            if not self._retiring:
                self._retire_later()
        return answer

    def _retire_later(self) -> None:
        self._retiring = True
        timer = Timer(self._idle_s, self._retire)
        timer.daemon = True
        timer.start()

    def _retire(self) -> None:
        """End those that nobody asked for so long."""
        with self._lock:
            past = time.monotonic() - self._idle_s
            ended = [child for since, child in self._idle if since <= past]
            self._idle = [(since, child) for since, child in self._idle if since > past]
            self._retiring = False
            if self._idle:
                self._retire_later()
        for child in ended:
            child.communicate()

    def _free(self) -> subprocess.Popen[bytes]:
        with self._lock:
            while self._idle:
                _, child = self._idle.pop()
                if child.poll() is None:
                    return child
                child.communicate()
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
