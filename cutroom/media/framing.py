"""How a clip is framed, from the faces, the sound and the words in it. Pure.

Here its shots are taken apart, and who speaks is told over all of them; `scene` decides how each one is shown.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import inf

import numpy as np

from cutroom.contracts.documents import Framing, Sentence, Shots
from cutroom.contracts.media import Aspect, MediaFacts, Span
from cutroom.media.camera import Rail, crop_size
from cutroom.media.scene import Actor, Scene
from cutroom.media.timeline import exact
from cutroom.vision.looks import Look
from cutroom.vision.speaking import Voice, speaking, with_known_voices
from cutroom.vision.tracks import Track, link

VERSION = 2

_ROUNDING_S = 1e-6


def plan_framing(
    media: MediaFacts,
    shots: Shots,
    span: Span,
    looks: Sequence[Look],
    aspect: Aspect = "9:16",
    voice: Voice | None = None,
    sentences: Sequence[Sentence] = (),
) -> Framing:
    """The framing of a clip. Its shots tile `span`; they change exactly at cuts and where another person is cut to.

    `looks`: in order of time, faces in source pixels; one outside the span serves a shot that has none inside. `voice`: the
    sound about the clip, None where there is none. Raises BadInput (picture_too_small) where no crop fits.
    """
    rail = Rail((media.width, media.height), crop_size(media.width, media.height, aspect))
    parts = _parts(shots, span, _clear(looks, shots))
    casts = _cast([link(seen) for _, seen in parts], voice, sentences)
    framed = [
        shot
        for (part, seen), cast in zip(parts, casts, strict=True)
        for shot in Scene(rail, aspect, media.fps, part, seen, cast, [said.start_s for said in sentences]).framed()
    ]
    return Framing(source_width=media.width, source_height=media.height, aspect=aspect, shots=framed)


def _parts(shots: Shots, span: Span, looks: Sequence[Look]) -> list[tuple[Span, Sequence[Look]]]:
    """The span cut at cuts, and the looks into each part."""
    edges = [-inf, *(float(frame / exact(shots.fps)) for frame in shots.cuts), inf]
    parts = []
    for first_s, past_s in pairwise(edges):
        part = Span(start_s=max(first_s, span.start_s), end_s=min(past_s, span.end_s))
        if part.start_s < part.end_s:
            of_shot = [look for look in looks if _within(look, first_s, past_s)]
            parts.append((part, _looks_into(part, of_shot)))
    return parts


def _within(look: Look, first_s: float, past_s: float) -> bool:
    """A proxy picture is the frame shown at its time; a look at a cut's very moment sees the new shot."""
    return first_s <= look.t_s + _ROUNDING_S < past_s


def _clear(looks: Sequence[Look], shots: Shots) -> list[Look]:
    """Looks outside dissolves, where two shots' faces lie over each other."""
    fps = exact(shots.fps)
    mixed = [(float(event.start_frame / fps), float(event.end_frame / fps)) for event in shots.events if event.kind == "dissolve"]
    return [look for look in looks if not any(_within(look, *span) for span in mixed)]


def _looks_into(part: Span, of_shot: Sequence[Look]) -> Sequence[Look]:
    inside = [look for look in of_shot if _within(look, part.start_s, part.end_s)]
    return inside or sorted(of_shot, key=lambda look: abs(look.t_s - part.start_s))[:1]


def _cast(shots: Sequence[Sequence[Track]], voice: Voice | None, sentences: Sequence[Sentence]) -> list[list[Actor]]:
    """Each shot's tracks with how surely they speak; whose voice is whose is known over the whole clip."""
    tracks = [track for cast in shots for track in cast]
    scores = [np.zeros(len(track.times)) if voice is None else speaking(track, voice) for track in tracks]
    actors = iter([Actor(track, score) for track, score in zip(tracks, with_known_voices(scores, tracks, sentences), strict=True)])
    return [[next(actors) for _ in cast] for cast in shots]
