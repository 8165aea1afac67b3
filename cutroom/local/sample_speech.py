"""The spoken half of the sample talk: espeak-ng's library says each line and tells when every word begins and ends."""

import ctypes
import itertools
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from cutroom.errors import SetupError
from cutroom.local.sample_script import CLOSING, OPENING, PASSAGES, Line, Speaker

RATE = 22050
VOICES: dict[Speaker, tuple[bytes, int, int]] = {"A": (b"en-us+f3", 172, 58), "B": (b"en-us+m3", 162, 36)}  # name, words/min, pitch
LEAD_S = 0.5
TRAIL_S = 0.6
PAUSE_S = (0.30, 0.55)
PASSAGE_PAUSE_S = (0.8, 1.3)
ROOM_TONE = 9.0  # amplitude of 32768


@dataclass(frozen=True)
class SpokenWord:
    """`sentence` counts the talk's lines from 0."""

    text: str
    start_s: float
    end_s: float
    sentence: int


@dataclass(frozen=True)
class SpokenLine:
    line: Line
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Speech:
    """`sound`: int16 mono samples at `RATE`. No two words overlap; lines follow each other after a pause of 300 ms or more."""

    sound: NDArray[np.int16]
    words: list[SpokenWord]
    lines: list[SpokenLine]


def speak_talk(seconds: int, seed: int) -> Speech:
    """The interview, cut or repeated to last `seconds`, closing line included. Same arguments, same samples and times.

    Raises SetupError where espeak-ng's library cannot be used.
    """
    # What the library said before changes what it says next, by milliseconds: each talk gets a process of its own.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_speak, seconds, seed).result()


def speak_lines(lines: Sequence[Line]) -> list[NDArray[np.int16]]:
    """The samples of each line by itself, at `RATE`. Raises SetupError like `speak_talk`."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_speak_lines, lines).result()


def _speak_lines(lines: Sequence[Line]) -> list[NDArray[np.int16]]:
    voice = _Voice()
    return [voice.say(line).sound for line in lines]


def _speak(seconds: int, seed: int) -> Speech:
    rng, voice = random.Random(seed), _Voice()
    tone = np.random.default_rng(seed).normal(0, ROOM_TONE, seconds * RATE)
    closing_pause = PASSAGE_PAUSE_S[1]
    latest = seconds - TRAIL_S - closing_pause - voice.say(CLOSING).length_s
    words: list[SpokenWord] = []
    lines: list[SpokenLine] = []

    def place(said: _Said, at_s: float) -> float:
        first = int(at_s * RATE)
        tone[first : first + len(said.sound)] += said.sound
        words.extend(SpokenWord(text, round(at_s + a, 3), round(at_s + b, 3), len(lines)) for text, a, b in said.words)
        lines.append(SpokenLine(said.line, words[-len(said.words)].start_s, words[-1].end_s))
        return at_s + said.length_s

    now = LEAD_S
    for line, opens in _script():
        said = voice.say(line)
        start = now + rng.uniform(*(PASSAGE_PAUSE_S if opens else PAUSE_S)) * bool(lines)
        if start + said.length_s > latest:
            break
        now = place(said, start)
    place(voice.say(CLOSING), now + closing_pause)
    return Speech(np.clip(tone, -32768, 32767).astype(np.int16), words, lines)


def _script() -> Iterator[tuple[Line, bool]]:
    """The lines in order, without end, and whether each opens a passage."""
    for passage in itertools.chain([OPENING], itertools.cycle(PASSAGES)):
        for i, line in enumerate(passage):
            yield line, i == 0


@dataclass(frozen=True)
class _Said:
    """`words`: text, start and end in seconds from the line's first sample. `sound` ends with its last word."""

    line: Line
    sound: NDArray[np.int16]
    words: list[tuple[str, float, float]]
    length_s: float


class _Event(ctypes.Structure):
    """espeak_EVENT of espeak-ng's speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("phoneme", ctypes.c_char * 8),
    ]


_WORD, _PHONEME = 1, 7
_RETRIEVAL, _PHONEME_EVENTS, _UTF8 = 2, 1, 1
_RATE_PARAMETER, _PITCH_PARAMETER = 1, 3
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class _Voice:
    """The library, whose state is the whole process's."""

    def __init__(self) -> None:
        from espeakng_loader import get_data_path, get_library_path

        try:
            self._library = ctypes.CDLL(get_library_path())
        except OSError as error:
            raise SetupError(f"espeak-ng's library cannot be loaded ({error}); reinstall the package espeakng-loader.") from error
        if self._library.espeak_Initialize(_RETRIEVAL, 0, get_data_path().encode(), _PHONEME_EVENTS) != RATE:
            raise SetupError("espeak-ng does not start with its own data; reinstall the package espeakng-loader.")
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        self._samples = bytearray()
        self._events: list[tuple[int, int, float, bytes]] = []
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, line: Line) -> _Said:
        """Spaces are made unbreakable: the library joins pairs such as `in the` into one word event otherwise."""
        self._samples.clear()
        self._events.clear()
        name, speed, pitch = VOICES[line.speaker]
        self._library.espeak_SetVoiceByName(name)
        self._library.espeak_SetParameter(_RATE_PARAMETER, speed, 0)
        self._library.espeak_SetParameter(_PITCH_PARAMETER, pitch, 0)
        text = line.text.replace(" ", "\u00a0")
        raw = text.encode()
        self._library.espeak_Synth(raw, ctypes.c_size_t(len(raw) + 1), 0, 1, 0, _UTF8, None, None)
        words = self._words(text)
        length_s = words[-1][2]
        return _Said(line, np.frombuffer(bytes(self._samples), np.int16)[: int(length_s * RATE)], words, length_s)

    def _words(self, text: str) -> list[tuple[str, float, float]]:
        """A written word starts at its first event (a number has several), and lasts to the next word or a pause."""
        written = text.split("\u00a0")
        starts: dict[int, float] = {}
        for kind, position, at_s, _ in self._events:
            if kind == _WORD:
                starts.setdefault(text.count("\u00a0", 0, position), at_s)
        hushes = [at_s for kind, _, at_s, name in self._events if kind == _PHONEME and name.startswith(b"_")]
        hushes.append(len(self._samples) / 2 / RATE)
        ends = [min([starts.get(i + 1, hushes[-1]), *(h for h in hushes if h > starts[i])]) for i in range(len(written))]
        return [(word, starts[i], ends[i]) for i, word in enumerate(written)]

    def _take(self, samples: int | None, count: int, events: "ctypes._Pointer[_Event]") -> int:
        """espeak's callback: `count` samples, and events up to one of type 0."""
        if samples and count:
            self._samples += ctypes.string_at(samples, 2 * count)
        for event in itertools.takewhile(lambda e: e.type, (events[i] for i in itertools.count())):
            self._events.append((event.type, event.text_position - 1, event.sample / RATE, event.phoneme))
        return 0
