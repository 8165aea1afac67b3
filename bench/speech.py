"""Speech: word times from captions, voice activity, what becomes of damaged captions, and recognition.

    python -m bench.speech TALK_DIR [--json]

TALK_DIR holds talk.mp4, talk.srt and truth.json, in one of the notations that `truth` reads.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from bench.cpu import cpu_s
from bench.report import Figure, Part, at_least, at_most, show
from bench.truth import Said, read_truth
from cutroom.contracts.documents import Cues, Transcript
from cutroom.contracts.media import SpeechEngine
from cutroom.media.ffmpeg import locate
from cutroom.settings import Settings
from cutroom.speech.captions_file import read_captions
from cutroom.speech.chunks import chunks_around_cues, chunks_of_speech, chunks_untold, in_order_of_time, untold
from cutroom.speech.join import join_parts
from cutroom.speech.offset import in_step
from cutroom.speech.recognise import choose_recogniser
from cutroom.speech.sound import duration_of, loud_frames, loudness_of, read_samples
from cutroom.speech.transcribe import Hearing, transcribe
from cutroom.speech.vad import spans_of, speech_in_file

STEP_S = 0.01
WRONG_WORDS = 0.4
SHIFT_S, LATE_S = 0.7, 5.0
HEARD_S = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure speech on a talk whose truth is known.")
    parser.add_argument("talk", type=Path, help="folder with talk.mp4, talk.srt and truth.json")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return show(measure(arguments.talk), arguments.json)


def measure(talk: Path) -> Part:
    words = read_truth(talk / "truth.json").words
    cues = read_captions(talk / "talk.srt")
    with TemporaryDirectory() as folder:
        sound = Path(folder) / "sound.flac"
        convert = ["-v", "error", "-i", str(talk / "talk.mp4"), "-vn", "-ac", "1", "-ar", "16000", str(sound)]
        subprocess.run([str(locate()), *convert], check=True)
        figures = [*_times(sound, cues, words), *_activity(sound, words), *_damaged(sound, cues, words), *_heard(sound, words)]
    notes = [
        f"Damaged captions: {WRONG_WORDS:.0%} of the words replaced by others of the talk; moved by {SHIFT_S} s; one half alone."
        f" Moved back: {LATE_S:g} s late, and put where the sound says.",
        "Voice activity is counted in steps of 10 ms against the words' own times, so a pause inside a sentence is silence.",
    ]
    return Part("speech", [talk.name], figures, notes)


def _told(sound: Path, cues: Cues, second: tuple[SpeechEngine, str] = ("none", "")) -> tuple[Transcript, float, int]:
    """The transcript that captions give, the CPU seconds it took, and how many chunks had no captions."""
    began, length_s = cpu_s(), duration_of(sound)
    chunks = chunks_around_cues(cues)
    for stretch in untold(cues, length_s) if second[0] != "none" else []:
        chunks += chunks_untold(speech_in_file(sound, stretch), stretch)
    hearing = Hearing("captions", "", second[0], second[1], cues, "en")
    parts = [transcribe(sound, chunk, hearing, lambda share: None) for chunk in in_order_of_time(chunks)]
    return join_parts("captions", "en", length_s, parts), cpu_s() - began, sum(chunk.last_cue == 0 for chunk in chunks)


def _times(sound: Path, cues: Cues, words: Sequence[Said]) -> list[Figure]:
    _, first_s, _ = _told(sound, cues)  # what is loaded once, is loaded here
    transcript, cpu_s, _ = _told(sound, cues)
    starts, ends = _errors(transcript, words)
    return [
        at_least("caption words found", 100 * starts.size / len(words), 99, "%"),
        at_most("word starts, median error", float(np.percentile(starts, 50)), 30, "ms"),
        at_most("word starts, 95th percentile", float(np.percentile(starts, 95)), 100, "ms"),
        at_most("word starts, worst", float(starts.max()), 300, "ms"),
        at_most("word ends, 95th percentile", float(np.percentile(ends, 95)), 100, "ms"),
        at_most("alignment, CPU seconds for each second", cpu_s / duration_of(sound), 0.015),
        Figure("  loading the aligner, once, CPU", max(0.0, first_s - cpu_s), "s"),
    ]


def _activity(sound: Path, words: Sequence[Said]) -> list[Figure]:
    speech_in_file(sound)
    began = cpu_s()
    speech = speech_in_file(sound)
    spent_s = cpu_s() - began
    length = round(duration_of(sound) / STEP_S)
    true, found, loud = np.zeros(length, bool), np.zeros(length, bool), np.zeros(length, bool)
    for mask, spans in ((true, words), (found, spans_of(speech))):
        for span in spans:
            mask[round(span.start_s / STEP_S) : round(span.end_s / STEP_S)] = True
    energy = loud_frames(loudness_of(read_samples(sound, 0.0, duration_of(sound))))[:length]
    loud[: energy.size] = energy
    precision, recall = _precision(true, found), _precision(found, true)
    return [
        at_least("voice activity, precision", precision, 0.94, peers={"threshold on energy": _precision(true, loud)}),
        at_least("voice activity, recall", recall, 0.98, peers={"threshold on energy": _precision(loud, true)}),
        at_most("voice activity, CPU seconds for 600 s", spent_s * 600 / duration_of(sound), 3, "s"),
        Figure("pieces that it is cut into", len(chunks_of_speech(speech))),
    ]


def _damaged(sound: Path, cues: Cues, words: Sequence[Said]) -> list[Figure]:
    random, all_words = Random(0), [word for cue in cues.cues for word in cue.text.split()]
    wrong = [
        cue.model_copy(
            update={"text": " ".join(random.choice(all_words) if random.random() < WRONG_WORDS else w for w in cue.text.split())}
        )
        for cue in cues.cues
    ]
    loudness = loudness_of(read_samples(sound, 0.0, duration_of(sound)))
    half = cues.cues[: max(1, len(cues.cues) // 2)]
    told_wrong, _, _ = _told(sound, Cues(cues=wrong))
    told_moved, _, _ = _told(sound, _later(cues, SHIFT_S))
    told_late, _, _ = _told(sound, in_step(_later(cues, LATE_S), loudness))
    missing = untold(Cues(cues=half), duration_of(sound))
    heard = [chunk for stretch in missing for chunk in chunks_untold(speech_in_file(sound, stretch), stretch)]
    late = [word for word in words if word.start_s >= half[-1].end_s]
    covered = sum(any(chunk.start_s <= word.start_s and word.end_s <= chunk.end_s for chunk in heard) for word in late)
    unsure = 100 * sum(not word.aligned for word in told_wrong.words) / len(told_wrong.words)
    starts, _ = _errors(told_moved, words)
    moved_back, _ = _errors(told_late, words)
    right, _ = _errors(told_wrong, words)
    return [
        at_least("captions 40% wrong: words marked as not found", unsure, 33, "%"),
        Figure("captions 40% wrong: right words, 95th percentile of starts", float(np.percentile(right, 95)), "ms"),
        at_most("captions moved: word starts, 95th percentile", float(np.percentile(starts, 95)), 100, "ms"),
        at_most("captions moved back: word starts, 95th percentile", float(np.percentile(moved_back, 95)), 100, "ms"),
        at_least("captions of one half: words of the other given to a recogniser", 100 * covered / max(1, len(late)), 99, "%"),
    ]


def _later(cues: Cues, by_s: float) -> Cues:
    return Cues(cues=[cue.model_copy(update={"start_s": cue.start_s + by_s, "end_s": cue.end_s + by_s}) for cue in cues.cues])


def _heard(sound: Path, words: Sequence[Said]) -> list[Figure]:
    """The recogniser of this machine on the first minute."""
    engine, model = choose_recogniser(Settings())
    chunks = [chunk for chunk in chunks_of_speech(speech_in_file(sound)) if chunk.end_s <= HEARD_S]
    parts = [transcribe(sound, chunk, Hearing(engine, model, language="en"), lambda share: None) for chunk in chunks]
    said = [_plain(word.text) for word in words if chunks and word.end_s <= chunks[-1].end_s]
    told = [_plain(word.text) for part in parts for word in part.words]
    wrong = _distance(told, said) / max(1, len(said))
    return [Figure(f"recognised without captions by {engine} {model}: word error rate", 100 * wrong, "%")]


def _errors(transcript: Transcript, words: Sequence[Said]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Milliseconds that the starts and the ends of the words that agree are off.

    As many words as there are true ones agree place by place: a talk may say a passage twice.
    """
    told, said = [_plain(word.text) for word in transcript.words], [_plain(word.text) for word in words]
    if len(told) == len(said):
        places = [(place, place) for place, word in enumerate(told) if word == said[place]]
    else:
        blocks = SequenceMatcher(None, told, said, autojunk=False).get_matching_blocks()
        places = [(block.a + i, block.b + i) for block in blocks for i in range(block.size)]
    pairs = [(transcript.words[mine], words[true]) for mine, true in places]
    starts = np.array([1000 * abs(mine.start_s - true.start_s) for mine, true in pairs])
    return starts, np.array([1000 * abs(mine.end_s - true.end_s) for mine, true in pairs])


def _distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Words to change, add or leave out (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, theirs in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (mine != theirs))
    return row[-1]


def _precision(true: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    return float((true & found).sum() / max(1, found.sum()))


def _plain(word: str) -> str:
    return re.sub(r"\W", "", word).lower()


if __name__ == "__main__":
    sys.exit(main())
