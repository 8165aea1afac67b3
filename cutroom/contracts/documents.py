"""The JSON documents that steps leave in the object store and that people download.

They hold user text, so they travel as artifacts and never inside a workflow payload.
"""

from typing import Literal

from cutroom.contracts.base import Frozen


class Cue(Frozen):
    """One caption of a captions file, its text on one line, markup removed. `speaker` where the file names one."""

    start_s: float
    end_s: float
    text: str
    speaker: str | None = None


class Cues(Frozen):
    """`late_s`: by how much all of them came after what they tell, before they were moved."""

    cues: list[Cue]
    late_s: float = 0.0


class Wording(Frozen):
    """What a customer wrote: `topic` narrows the choice of clips, `vocabulary` holds names and terms as they are spelled."""

    topic: str = ""
    vocabulary: list[str] = []


class Word(Frozen):
    """`confidence` 0 to 1. `aligned` is false where the times are interpolated between neighbours."""

    text: str
    start_s: float
    end_s: float
    confidence: float = 1.0
    speaker: str | None = None
    aligned: bool = True


class Sentence(Frozen):
    """Words `first_word:last_word` (past the end) of the transcript."""

    text: str
    start_s: float
    end_s: float
    first_word: int
    last_word: int
    speaker: str | None = None


class TranscriptPart(Frozen):
    """What one chunk gave. `sentence_ends`: indexes into `words` that close a sentence."""

    engine: str
    language: str
    words: list[Word]
    sentence_ends: list[int] = []
    warnings: list[str] = []


class Transcript(Frozen):
    """`transcript.json`. `engine`: captions | faster_whisper | whisper | pocketsphinx | none, that of most words."""

    engine: str
    language: str
    duration_s: float
    words: list[Word]
    sentences: list[Sentence]
    warnings: list[str] = []


class ShotScores(Frozen):
    """TransNetV2's two outputs for frames from `first_frame` on: a single-frame and a many-frame transition probability.

    Frames of the recording: `replaced`, at which one still picture gave way to another, as slides do; `added`, at which a
    still picture gained or lost something, as when a line of a slide appears; `lit`, in which the light changes.
    """

    first_frame: int
    single: list[float]
    many: list[float]
    replaced: list[int] = []
    added: list[int] = []
    lit: list[int] = []


class ShotEvent(Frozen):
    """Mixed frames `start_frame:end_frame` (past the end); a hard cut mixes none: both are the new shot's first frame.

    `slide`: a still picture gives way to another one, which is also a cut, or gains or loses something, which is none.
    `light`: frames in which the light changes and the shot does not.
    """

    kind: Literal["cut", "dissolve", "light", "slide"]
    start_frame: int
    end_frame: int


class Shots(Frozen):
    """`shots.json`. `cuts`: first frame of each new shot."""

    fps: float
    frame_count: int
    cuts: list[int]
    events: list[ShotEvent] = []


class ClipChoice(Frozen):
    """One chosen span, cut between words: sentences `first_sentence:last_sentence` (past the end) of the transcript.

    `score_parts`: feature name to its weighted share of `score` (0 to 100).
    """

    ordinal: int
    start_s: float
    end_s: float
    first_sentence: int
    last_sentence: int
    title: str
    text: str
    score: float
    score_parts: dict[str, float]
    why: str


class Selection(Frozen):
    """`selection.json`, best first by `ordinal` from 1. `candidates`: the best passages, of which `clips` were taken."""

    clips: list[ClipChoice]
    candidates: list[ClipChoice] = []
    warnings: list[str] = []


class CropKeyframe(Frozen):
    """From `t_s` (source seconds) on, the crop is this box of source pixels, until the next keyframe or on the way to it."""

    t_s: float
    x: int
    y: int
    w: int
    h: int


Layout = Literal["crop", "two_up", "inset", "screen", "fit"]


class FramedShot(Frozen):
    """One shot inside a clip, and how it is laid out.

    `crop` shows `keyframes` alone. `two_up` shows `keyframes` above `second`, each filling half of the clip. `inset` shows
    `keyframes` (a slide, whole) with `second` (who speaks) below it. `screen` shows `keyframes` (a screen, text to be read)
    as wide as the clip over a plain ground. `fit` shows the whole picture over a blurred fill.

    All boxes of one list are of one size. `moving`: between two keyframes the box glides from one to the other in a straight
    line at even speed; else it stands still until the next one. Past the last keyframe it stands still.
    """

    start_s: float
    end_s: float
    layout: Layout
    why: str
    keyframes: list[CropKeyframe]
    second: list[CropKeyframe] = []
    moving: bool = False


class Framing(Frozen):
    """`clip-NN.frame.json`. `source_width` and `source_height` after rotation and pixel aspect."""

    source_width: int
    source_height: int
    aspect: str
    shots: list[FramedShot]


class CitedText(Frozen):
    """A sentence of a summary, and the sentences of the transcript that say so, by their places in it."""

    text: str
    sentences: list[int]


class KeyPoint(Frozen):
    """`start_s` to `end_s`: from the first of its sentences to the last."""

    text: str
    sentences: list[int]
    start_s: float
    end_s: float


class Chapter(Frozen):
    """Chapters follow each other and hold every sentence with words once."""

    title: str
    start_s: float
    end_s: float
    sentences: list[int]


class Highlight(Frozen):
    """`quote` stands word for word in its sentences. `why` says what speaks for it."""

    quote: str
    sentences: list[int]
    start_s: float
    end_s: float
    why: str


class Summary(Frozen):
    """`summary.json`. `engine`: extractive, or the language model that phrased it. All but the quotes may be phrased anew."""

    summary: list[CitedText]
    key_points: list[KeyPoint]
    chapters: list[Chapter]
    highlights: list[Highlight]
    language: str
    engine: str
    warnings: list[str] = []
