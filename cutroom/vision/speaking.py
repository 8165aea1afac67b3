"""Who speaks: faces whose lower half moves, and moves with the sound.

Patches of a face are laid over each other by their upper halves, so that what is left is what the face itself does. Two
things count, each against the same of the upper half, which tells what noise, light and turning heads make of them: how
much the lower half changes from look to look, and how its grey levels go with the loudness of the sound over two seconds
(the synchrony of Hershey and Movellan, 1999, as a covariance).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cutroom.contracts.documents import Sentence
from cutroom.speech.sound import FRAME_S, Decibels
from cutroom.vision.looks import PATCH_HEIGHT, PATCH_WIDTH
from cutroom.vision.tracks import Track, alike

_UPPER, _LOWER = slice(6, 34), slice(36, 62)  # rows of a patch: brow to nose, nose to chin
_INNER = slice(8, 40)  # its columns without the ground beside the face
_ALIGN_ROWS = 38
_FARTHEST_SHIFT = 8.0  # px of a patch: more is no alignment
_TOP_SHARE = 0.2  # of a half's pixels, those that change most
_GRAIN = 0.05  # a change that is none, in standard deviations of a patch
_TOGETHER_S = 1.0  # on either side, over which a face's motion is compared with the sound
_FEWEST = 5  # looks in that
_BLOCK = 4  # px of a patch to a block, for synchrony
_SPEAKS = 0.6  # score of a face that speaks; 1.0 to 2.0 where it does, about 0.2 where it does not
_LIKELY = 3.0  # most that a score counts for
_HEARD = 0.06  # of the loud parts' amplitude: less is silence
_SAME_PERSON = 0.8  # of appearance, from one shot to another
_KNOWN_VOICE = 0.5  # what a voice's known face gains when that voice speaks
_FEWEST_VOTES = 5.0  # looks times score

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Voice:
    """The sound's envelope about a clip: amplitude against its loud parts, 0 to 1, each 10 ms from `start_s` on."""

    start_s: float
    level: Array

    @classmethod
    def of(cls, loudness: Decibels, start_s: float) -> "Voice":
        """Of the loudness of each 10 ms from `start_s` on."""
        amplitude = 10 ** (loudness.astype(np.float64) / 20)
        loud = float(np.percentile(amplitude, 95)) if amplitude.size else 0.0
        return cls(start_s, np.clip(amplitude / loud, 0, 1) if loud > 1e-4 else np.zeros(amplitude.size))

    def at(self, times: Sequence[float], around_s: float) -> Array:
        """Its mean about each moment; 0 where there is no sound."""
        total = np.concatenate(([0.0], np.cumsum(self.level)))
        first, past = (
            np.clip(np.round((np.asarray(times) + side - self.start_s) / FRAME_S).astype(int), 0, self.level.size)
            for side in (-around_s, around_s)
        )
        means: Array = (total[past] - total[first]) / np.maximum(past - first, 1)
        return means


def speaking(track: Track, voice: Voice) -> Array:
    """For each sighting how surely the face speaks then: above 0 likely, below not; 0 where nothing is heard."""
    loudness = voice.at(track.times, around_s=0.1)
    heard = voice.at(track.times, around_s=0.3) > _HEARD
    patches = _steadied(track)
    motion = _motion(patches)
    blocks = patches.reshape(len(patches), PATCH_HEIGHT // _BLOCK, _BLOCK, PATCH_WIDTH // _BLOCK, _BLOCK).mean((2, 4))
    times = np.asarray(track.times)
    scores = np.zeros(len(times))
    for index in np.flatnonzero(heard):
        near = np.abs(times - times[index]) <= _TOGETHER_S
        if near.sum() >= _FEWEST:
            scores[index] = (motion[near & heard].mean() + _synchrony(blocks[near], loudness[near])) / 2 - _SPEAKS
    return np.clip(scores, -_LIKELY, _LIKELY)


def _steadied(track: Track) -> Array:
    """Its patches, brightness and contrast made alike, each shifted so that its upper half lies on that of the one before."""
    import cv2

    window = cv2.createHanningWindow((PATCH_WIDTH, _ALIGN_ROWS), cv2.CV_32F)
    steady: list[NDArray[np.float32]] = []
    for sighting in track.sightings:
        patch = sighting.patch.astype(np.float32)
        patch = (patch - patch.mean()) / (patch.std() + 8)
        if steady:
            (right, down), _ = cv2.phaseCorrelate(steady[-1][:_ALIGN_ROWS], patch[:_ALIGN_ROWS], window)
            if max(abs(right), abs(down)) < _FARTHEST_SHIFT:
                back = np.array([[1, 0, -right], [0, 1, -down]], np.float32)
                patch = cv2.warpAffine(patch, back, (PATCH_WIDTH, PATCH_HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        steady.append(patch)
    return np.asarray(steady, np.float64)


def _motion(patches: Array) -> Array:
    """Log of how much more the lower half changed since the look before than the upper one."""
    change = np.abs(np.diff(patches, axis=0, prepend=patches[:1]))[:, :, _INNER]

    def most(half: Array) -> Array:
        flat = np.sort(half.reshape(len(half), -1), axis=1)
        top: Array = flat[:, -int(flat.shape[1] * _TOP_SHARE) :].mean(axis=1)
        return top

    ratio: Array = np.log((most(change[:, _LOWER]) + _GRAIN) / (most(change[:, _UPPER]) + _GRAIN))
    return ratio


def _synchrony(blocks: Array, loudness: Array) -> float:
    """Log of how much more some block of the lower half goes with the sound than any block of the upper one."""
    sound = loudness - loudness.mean()
    size = float(np.sqrt((sound**2).sum()))
    if size < 1e-3:
        return 0.0
    together = np.abs(np.tensordot(sound / size, blocks - blocks.mean(axis=0), 1))
    upper, lower = (together[rows.start // _BLOCK : rows.stop // _BLOCK, 2:-2].max() for rows in (_UPPER, _LOWER))
    return float(np.log((lower + 2 * _GRAIN) / (upper + 2 * _GRAIN)))


def with_known_voices(scores: Sequence[Array], tracks: Sequence[Track], sentences: Sequence[Sentence]) -> list[Array]:
    """The scores of each track, raised where the voice that is heard is known to be that face's.

    Whose voice is whose is voted on over all shots: a face that speaks while a voice is heard speaks for it. Sentences
    without a speaker's label count for nothing.
    """
    persons = _persons(tracks)
    labels = [[_label_at(t_s, sentences) for t_s in track.times] for track in tracks]
    votes: defaultdict[str, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
    for score, person, heard in zip(scores, persons, labels, strict=True):
        for label, value in zip(heard, score, strict=True):
            if label:
                votes[label][person] += float(value)
    owners = {label: owner for label, ballot in votes.items() if (owner := _elected(ballot)) is not None}

    def gain(label: str, person: int) -> float:
        return 0.0 if label not in owners else _KNOWN_VOICE if owners[label] == person else -_KNOWN_VOICE

    return [score + [gain(label, person) for label in heard] for score, person, heard in zip(scores, persons, labels, strict=True)]


def _elected(ballot: Mapping[int, float]) -> int | None:
    """Who has many votes, and twice as many as anybody else."""
    (most, first), (next_most, _) = sorted([*((votes, person) for person, votes in ballot.items()), (0.0, -1)], reverse=True)[:2]
    return first if most > max(_FEWEST_VOTES, 2 * next_most) else None


def _persons(tracks: Sequence[Track]) -> list[int]:
    """A number for each track, the same for those of like appearance."""
    persons: list[NDArray[np.float32]] = []
    numbers = []
    for track in tracks:
        likeness = [alike(track.colours, person) for person in persons]
        best = int(np.argmax(likeness)) if likeness else -1
        if best < 0 or likeness[best] < _SAME_PERSON:
            persons.append(track.colours)
            best = len(persons) - 1
        numbers.append(best)
    return numbers


def _label_at(t_s: float, sentences: Sequence[Sentence]) -> str:
    return next((said.speaker or "" for said in sentences if said.start_s <= t_s < said.end_s), "")
