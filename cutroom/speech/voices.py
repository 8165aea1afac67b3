"""Who speaks, told apart by voice: one label for each sentence, without any model.

A sentence is the mean cepstrum and pitch of its loud voiced frames. How far half seconds of the same sentence differ says
how far one voice strays, so distances are measured in that (within-class covariance normalisation, Hatch et al., Interspeech
2006). Sentences are put together by Ward's method (JASA 58, 1963), and as many voices are told apart as stand clear of each
other: the gap between any two is at least SEPARATION times their spread (Fisher's criterion). One voice cut in two by
clustering has a gap of about three to five spreads, two people on one recording six and more.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutroom.contracts.documents import Sentence, Transcript
from cutroom.speech.pitch import pitch_of
from cutroom.speech.sound import loudness_of, read_samples, signal_of
from cutroom.speech.spectra import COEFFICIENTS, cepstra, mel_power

MOST_VOICES = 8
SEPARATION = 5.5
# Who speaks less than this is not told apart: a cough or a jingle is no speaker.
LEAST_SHARE = 0.05
LEAST_S = 4.0
LEAST_SENTENCES = 3
# What is read of one sentence at most.
LONGEST_S = 60.0
# Voiced frames of a piece of a sentence, of a sentence from which voices are learned, and of one whose voice can be told.
PIECE = 50
LEAST_FRAMES = 30
BRIEFEST_FRAMES = 8
# Beyond this many pieces a sentence says little more: words of one voice differ from sentence to sentence.
ENOUGH_PIECES = 4.0
# A small spread of few sentences is not believed: so many more are added that spread as far as pieces of one voice do.
PRIOR = 20.0
# Sentences compared at once, and what a group of them is reduced to.
GROUP = 300
REDUCED = 24

# How far pieces of one voice stray in each cepstral coefficient, and in squared semitones; about what read speech shows.
USUAL = np.append(3.0 * np.exp(-np.arange(1, COEFFICIENTS + 1) / 5), 3.0)

_DIMENSIONS = COEFFICIENTS + 1

Vectors = NDArray[np.float64]
Indices = NDArray[np.intp]


class Voices(NamedTuple):
    """Of each sentence: `means` (n, d) scaled so that one voice strays by 1 in every direction, `weights` in pieces of half
    a second, `seconds`.
    """

    means: Vectors
    weights: Vectors
    seconds: Vectors


def name_speakers(transcript: Transcript, sound: Path, told: Callable[[int], None] = lambda sentences: None) -> Transcript:
    """The transcript with a speaker for every sentence and its words; whom the captions name keeps the name.

    Voices that nobody named are S1, S2 by their order. `told(1)` after each sentence heard. Raises ArtifactMissing.
    """
    if not transcript.sentences or all(sentence.speaker for sentence in transcript.sentences):
        return transcript
    labels = voices_of(sound, transcript.sentences, told)
    names = _names(transcript.sentences, labels)
    sentences = [
        s if s.speaker else s.model_copy(update={"speaker": names[label]})
        for s, label in zip(transcript.sentences, labels, strict=True)
    ]
    speakers = {i: s.speaker for s in sentences for i in range(s.first_word, s.last_word)}
    words = [
        word if word.speaker else word.model_copy(update={"speaker": speakers.get(i)}) for i, word in enumerate(transcript.words)
    ]
    return transcript.model_copy(update={"sentences": sentences, "words": words})


def voices_of(sound: Path, sentences: Sequence[Sentence], told: Callable[[int], None] = lambda sentences: None) -> list[int]:
    """Which voice says each sentence: numbers from 0 in the order of first appearance; `told(1)` after each one heard.

    Raises ArtifactMissing.
    """
    means, counts, seconds = np.zeros((len(sentences), _DIMENSIONS)), np.zeros(len(sentences)), np.zeros(len(sentences))
    scatter, freedom = np.zeros((_DIMENSIONS, _DIMENSIONS)), 0
    for i, sentence in enumerate(sentences):
        frames = _voiced_frames(sound, sentence)
        told(1)
        seconds[i] = sentence.end_s - sentence.start_s
        counts[i] = len(frames)
        if counts[i] >= BRIEFEST_FRAMES:
            means[i] = frames.mean(0)
        if counts[i] >= LEAST_FRAMES:
            pieces = np.array([piece.mean(0) for piece in np.array_split(frames, max(1, len(frames) // PIECE))])
            strays = pieces - pieces.mean(0)
            scatter += strays.T @ strays
            freedom += len(pieces) - 1
    means = means @ _scaling(scatter, freedom)
    learned = counts >= LEAST_FRAMES
    pieces_heard = counts[learned] / PIECE
    voices = told_apart(Voices(means[learned], pieces_heard / (1 + pieces_heard / ENOUGH_PIECES), seconds[learned]))
    clear = np.flatnonzero(counts >= BRIEFEST_FRAMES)
    return _in_order(_spread_to_neighbours(sentences, clear, nearest(voices, means[clear])))


def told_apart(voices: Voices) -> Vectors:
    """The centres of the voices, (k, d): the most that stand clear of each other, 8 at most; none where nothing is heard."""
    if not voices.weights.size:
        return np.zeros((0, _DIMENSIONS))
    least_s = max(LEAST_S, LEAST_SHARE * float(voices.seconds.sum()))
    best: list[Indices] = [np.arange(voices.weights.size)]
    for clusters in _partitions(voices):
        big = [m for m in clusters if m.size >= LEAST_SENTENCES and voices.seconds[m].sum() >= least_s]
        if len(best) < len(big) <= MOST_VOICES and all(separation(voices, a, b) >= SEPARATION for a, b in combinations(big, 2)):
            best = big
    return np.array([np.average(voices.means[members], axis=0, weights=voices.weights[members]) for members in best])


def nearest(centres: Vectors, means: Vectors) -> Indices:
    """Which centre lies nearest to each mean; 0 without centres."""
    if not len(centres):
        return np.zeros(len(means), np.intp)
    labels: Indices = ((means[:, None] - centres) ** 2).sum(2).argmin(1)
    return labels


def separation(voices: Voices, a: Indices, b: Indices) -> float:
    """The gap between two groups of sentences in spreads along the line between them.

    Taken off is the gap that chance makes between the means of few sentences.
    """
    (mean_a, var_a), (mean_b, var_b) = _moments(voices, a), _moments(voices, b)
    weight_a, weight_b = voices.weights[a].sum(), voices.weights[b].sum()
    within = (var_a * weight_a + var_b * weight_b) / (weight_a + weight_b)
    usual = float((1 / voices.weights[np.concatenate([a, b])]).mean())
    gap = mean_a - mean_b
    squared = float(gap @ gap)
    along = float(gap @ within @ gap) / max(squared, 1e-12)
    heard = a.size + b.size
    spread = max(along, (heard * along + PRIOR * usual) / (heard + PRIOR))
    chance = usual * _DIMENSIONS * (1 / a.size + 1 / b.size)
    return float(np.sqrt(max(squared - chance, 0) / max(spread, 1e-12)))


def _moments(voices: Voices, members: Indices) -> tuple[Vectors, Vectors]:
    weights = voices.weights[members] / voices.weights[members].sum()
    mean = weights @ voices.means[members]
    strays = voices.means[members] - mean
    return mean, (strays * weights[:, None]).T @ strays


def _voiced_frames(sound: Path, sentence: Sentence) -> Vectors:
    """Cepstra and pitch in semitones of the louder four fifths of what is voiced."""
    samples = read_samples(sound, sentence.start_s, min(sentence.end_s, sentence.start_s + LONGEST_S))
    signal = signal_of(samples)
    pitch, loudness = pitch_of(signal), loudness_of(samples)
    voiced = pitch > 0
    if voiced.any():
        voiced &= loudness >= np.percentile(loudness[voiced], 20)
    return np.column_stack([cepstra(mel_power(signal)[voiced]), 12 * np.log2(pitch[voiced])]).astype(np.float64)


def _scaling(scatter: Vectors, freedom: int) -> Vectors:
    """What makes the scatter of one voice the unit matrix. Before anything is heard that scatter is USUAL."""
    covariance = (scatter + np.diag(_DIMENSIONS * USUAL)) / (freedom + _DIMENSIONS)
    scaling: Vectors = np.linalg.cholesky(np.linalg.inv(covariance))
    return scaling


def _partitions(voices: Voices) -> list[list[Indices]]:
    """The last steps of clustering, from two clusters to twice as many as there may be voices, small ones included."""
    groups = np.array_split(np.arange(voices.weights.size), -(-voices.weights.size // GROUP))
    if len(groups) == 1:
        return _ward(voices, [np.array([i]) for i in groups[0]], 2 * MOST_VOICES)
    reduced = [members for group in groups for members in _ward(voices, [np.array([i]) for i in group], REDUCED)[0]]
    return _ward(voices, reduced, 2 * MOST_VOICES)


def _ward(voices: Voices, clusters: list[Indices], most: int) -> list[list[Indices]]:
    """Clusters joined two by two where that adds least to the spread; the states of `most` clusters and fewer, most first."""
    clusters = list(clusters)
    weights = np.array([voices.weights[members].sum() for members in clusters])
    means = np.array([np.average(voices.means[m], axis=0, weights=voices.weights[m]) for m in clusters])
    costs = ((means[:, None] - means) ** 2).sum(2) * weights[:, None] * weights / (weights[:, None] + weights)
    np.fill_diagonal(costs, np.inf)
    alive = np.ones(len(clusters), bool)
    states = [list(clusters)] if len(clusters) <= most else []
    for left in range(len(clusters) - 1, 1, -1):
        a, b = sorted(divmod(int(costs.argmin()), len(clusters)))
        means[a] = (weights[a] * means[a] + weights[b] * means[b]) / (weights[a] + weights[b])
        weights[a] += weights[b]
        clusters[a] = np.concatenate([clusters[a], clusters[b]])
        alive[b] = False
        cost = ((means - means[a]) ** 2).sum(1) * weights * weights[a] / (weights + weights[a])
        cost[~alive] = cost[a] = np.inf
        costs[a] = costs[:, a] = cost
        costs[b] = costs[:, b] = np.inf
        if left <= most:
            states.append([clusters[i] for i in np.flatnonzero(alive)])
    return states


def _spread_to_neighbours(sentences: Sequence[Sentence], told: Indices, labels: Indices) -> list[int]:
    """Sentences too short to tell take the label of the nearest one told."""
    if not told.size:
        return [0] * len(sentences)
    middles = np.array([(sentence.start_s + sentence.end_s) / 2 for sentence in sentences])
    return [int(labels[np.abs(middles[told] - middle).argmin()]) for middle in middles]


def _in_order(labels: Sequence[int]) -> list[int]:
    order = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    return [order[label] for label in labels]


def _names(sentences: Sequence[Sentence], labels: Sequence[int]) -> dict[int, str]:
    """A voice is called what the captions call it most often."""
    names = {}
    for label in dict.fromkeys(labels):
        given = [s.speaker for s, voice in zip(sentences, labels, strict=True) if voice == label and s.speaker]
        names[label] = max(dict.fromkeys(given), key=given.count, default=f"S{label + 1}")
    return names
