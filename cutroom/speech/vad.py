"""Voice activity: where in the prepared sound somebody speaks, by silero-vad's network (Silero Team, v6, MIT).

The network tells speech from music and noise, which a threshold on energy cannot. It runs in ONNX Runtime, as the CPU workers
have no PyTorch; the package is only looked up for its file, since importing it would load that.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutroom.contracts.media import Span
from cutroom.errors import ArtifactMissing, SetupError
from cutroom.speech.sound import RATE, Samples

STEP = 512
STEP_S = STEP / RATE
# Samples of the step before that the network sees too.
CONTEXT = 64
STATE = (1, 1, 128)
STEPS_AT_A_TIME = 1024

# The package's own settings: speech begins above one probability and ends below a lower one.
BEGINS, ENDS = 0.5, 0.35
LEAST_SPEECH_S = 0.25
LEAST_SILENCE_S = 0.1

Probabilities = NDArray[np.float32]


@cache
def network() -> Any:
    """The session, one for the process. Raises SetupError (`speech_model_missing`)."""
    import onnxruntime

    package = find_spec("silero_vad")
    file = Path(package.origin).parent / "data" / "silero_vad_16k_sequence.onnx" if package and package.origin else None
    if file is None or not file.is_file():
        raise SetupError("The voice detector's network is not installed; run the set-up again.", code="speech_model_missing")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def speech_in(samples: Samples) -> Probabilities:
    """How likely somebody speaks in each 32 ms of 16 kHz sound, 0 to 1; the last step may be a part of one."""
    return gathered(probabilities([samples]))


def speech_in_file(sound: Path, span: Span | None = None, told: Callable[[int], None] = lambda samples: None) -> Probabilities:
    """As `speech_in`, of a whole file or a span of it, read half a minute at a time; `told(samples)` after each piece.

    Raises ArtifactMissing.
    """
    import soundfile

    try:
        with soundfile.SoundFile(sound) as file:
            first, last = (round(span.start_s * RATE), round(span.end_s * RATE)) if span else (0, file.frames)
            file.seek(min(first, file.frames))
            blocks = file.blocks(blocksize=STEPS_AT_A_TIME * STEP, frames=max(0, min(last, file.frames) - first), dtype="int16")
            return gathered(_telling(probabilities(blocks), told))
    except soundfile.LibsndfileError as error:
        raise ArtifactMissing("The prepared sound cannot be read.") from error


def _telling(parts: Iterable[Probabilities], told: Callable[[int], None]) -> Iterator[Probabilities]:
    for part in parts:
        told(part.size * STEP)
        yield part


def gathered(parts: Iterable[Probabilities]) -> Probabilities:
    return np.concatenate([np.zeros(0, np.float32), *parts])


def probabilities(blocks: Iterable[Samples]) -> Iterator[Probabilities]:
    """Of each block, which must be whole steps long but for the last; the network remembers the blocks before."""
    memory = {"h": np.zeros(STATE, np.float32), "c": np.zeros(STATE, np.float32)}
    tail = np.zeros(CONTEXT, np.float32)
    for block in blocks:
        steps = np.zeros((-(-block.size // STEP), STEP), np.float32)
        steps.reshape(-1)[: block.size] = block / np.float32(32768)
        for first in range(0, len(steps), STEPS_AT_A_TIME):
            now = steps[first : first + STEPS_AT_A_TIME]
            before = np.vstack((tail, now[:-1, -CONTEXT:]))
            tail = now[-1, -CONTEXT:]
            found, memory["h"], memory["c"] = network().run(None, {"input": np.hstack((before, now)), **memory})
            yield found.reshape(-1)


def spans_of(speech: Probabilities) -> list[Span]:
    """Stretches of speech in order, in seconds. Pauses under 0.1 s are part of one, and what is under 0.25 s is none."""
    begins, ends = speech >= BEGINS, speech < ENDS
    spans: list[tuple[float, float]] = []
    first: int | None = None
    for index in np.flatnonzero(begins | ends):
        if first is None and begins[index]:
            first = int(index)
        elif first is not None and ends[index]:
            spans.append((first * STEP_S, int(index) * STEP_S))
            first = None
    if first is not None:
        spans.append((first * STEP_S, speech.size * STEP_S))
    joined: list[tuple[float, float]] = []
    for start_s, end_s in spans:
        if joined and start_s - joined[-1][1] < LEAST_SILENCE_S:
            joined[-1] = (joined[-1][0], end_s)
        else:
            joined.append((start_s, end_s))
    return [Span(start_s=start_s, end_s=end_s) for start_s, end_s in joined if end_s - start_s >= LEAST_SPEECH_S]
