"""Captions of a clip: ASS, burned in and lit word by word, and SRT to go with the file. Pure.

Times inside are whole centiseconds from the clip's start, which is what ASS can say.
"""

import textwrap
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from cutroom.contracts.documents import Transcript
from cutroom.media.fonts import text_width
from cutroom.media.presets import Canvas, CaptionStyle

SRT_COLUMNS, SRT_LINES = 42, 2
SRT_SHORTEST = 80


@dataclass(frozen=True)
class Said:
    """A word of a clip. It is lit from `start`; `closes`: the last word of its sentence."""

    text: str
    start: int
    end: int
    closes: bool


@dataclass(frozen=True)
class State:
    """What stands on the screen while one word of a group is lit."""

    start: int
    end: int
    words: tuple[str, ...]
    lit: int


def words_inside(transcript: Transcript, start_s: float, end_s: float) -> list[Said]:
    """Words with their middle inside the clip, in order, no two lit at the same time."""
    closing = {sentence.last_word - 1 for sentence in transcript.sentences}
    kept = [
        (word.start_s - start_s, word.end_s - start_s, _clean(word.text), number in closing)
        for number, word in enumerate(transcript.words)
        if start_s <= (word.start_s + word.end_s) / 2 < end_s and _clean(word.text)
    ]
    kept.sort(key=lambda word: word[0])
    length = round((end_s - start_s) * 100)
    words: list[Said] = []
    for place, (begun, ended, text, closes) in enumerate(kept):
        # Room of a centisecond is left for each word after this one.
        start = min(max(round(begun * 100), words[-1].start + 1 if words else 0), length - (len(kept) - place))
        words.append(Said(text, start, min(length, max(start + 1, round(ended * 100))), closes))
    return words


def states(words: Sequence[Said], length: int, style: CaptionStyle, canvas: Canvas) -> list[State]:
    """One state a word, in order. A group stands without a gap until the next one, or lingers before a silence."""
    groups = list(_groups(words, style, canvas))
    shown = []
    for group, after in zip_longest(groups, groups[1:]):
        following = after[0].start if after else length
        over = max(word.end for word in group)
        if following - over > round(style.pause_s * 100):
            following = over + round(style.linger_s * 100)
        texts = tuple(word.text for word in group)
        ends = [word.start for word in group[1:]] + [following]
        shown += [State(word.start, end, texts, lit) for lit, (word, end) in enumerate(zip(group, ends, strict=True))]
    return shown


def _groups(words: Sequence[Said], style: CaptionStyle, canvas: Canvas) -> Iterator[list[Said]]:
    """Words that stand together: of one sentence, with no pause inside, fitting two lines; a lone last word gets company."""
    for run in _runs(words, round(style.pause_s * 100)):
        groups: list[list[Said]] = [[]]
        for word in run:
            together = [*groups[-1], word]
            if len(together) > style.most_words or (groups[-1] and not _fits([w.text for w in together], style, canvas)):
                groups.append([word])
            else:
                groups[-1] = together
        if len(groups) > 1 and len(groups[-1]) == 1 and len(groups[-2]) > 2:
            groups[-1].insert(0, groups[-2].pop())
        yield from groups


def _runs(words: Sequence[Said], pause: int) -> Iterator[list[Said]]:
    run: list[Said] = []
    for word in words:
        if run and (run[-1].closes or word.start - run[-1].end > pause):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _width(words: Sequence[str], style: CaptionStyle, canvas: Canvas) -> float:
    edges = (2 * style.outline + style.shadow) * canvas.text
    return text_width(" ".join(words), style.font_file, style.size * canvas.text) + edges


def _room(canvas: Canvas) -> float:
    """The widest line, centred on the canvas and clear of the margins."""
    return 2 * min(canvas.width / 2 - canvas.left, canvas.width / 2 - canvas.right)


def _lines(words: Sequence[str], style: CaptionStyle, canvas: Canvas) -> list[Sequence[str]]:
    """One line where they fit, else the two whose wider one is narrowest."""
    if len(words) == 1 or _width(words, style, canvas) <= _room(canvas):
        return [words]
    at = min(range(1, len(words)), key=lambda cut: max(_width(words[:cut], style, canvas), _width(words[cut:], style, canvas)))
    return [words[:at], words[at:]]


def _fits(words: Sequence[str], style: CaptionStyle, canvas: Canvas) -> bool:
    return all(_width(line, style, canvas) <= _room(canvas) for line in _lines(words, style, canvas))


def ass(
    transcript: Transcript,
    start_s: float,
    end_s: float,
    style: CaptionStyle,
    canvas: Canvas,
    heights: Sequence[tuple[float, int]] = (),
) -> str:
    """An ASS script (v4.00+) of the canvas's size; one Dialogue a word.

    `heights`: from these moments (source seconds, in order) on, the middle of the lines stands at this height of the canvas.
    """
    words = words_inside(transcript, start_s, end_s)
    shown = states(words, round((end_s - start_s) * 100), style, canvas)
    begins = [round((t_s - start_s) * 100) for t_s, _ in heights]
    middles = [canvas.text_y, *(height for _, height in heights)]
    lines = [_dialogue(state, style, canvas, middles[bisect_right(begins, state.start)]) for state in shown]
    return "\n".join([*head(style, canvas), *lines, ""])


def head(style: CaptionStyle, canvas: Canvas) -> list[str]:
    """What comes before the Dialogues of an ASS script, with one style, `Word`."""
    size, outline, shadow = (round(share * canvas.text, 1) for share in (style.size, style.outline, style.shadow))
    colours = f"{_colour(style.text)},{_colour(style.text)},{_colour(style.edge)},{_colour(style.edge)}"
    return [
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {canvas.width}",
        f"PlayResY: {canvas.height}",
        "WrapStyle: 2",
        "ScaledBorderAndShadow: yes",
        "",
        "[V4+ Styles]",
        "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
        "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding",
        f"Style: Word,{style.font_name},{size:g},{colours},-1,0,0,0,100,100,0,0,1,{outline:g},{shadow:g},5,0,0,0,1",
        "",
        "[Events]",
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
    ]


def _dialogue(state: State, style: CaptionStyle, canvas: Canvas, middle_y: int) -> str:
    lines = _lines(state.words, style, canvas)
    widest = max(_width(line, style, canvas) for line in lines)
    # A single word may be wider than the screen: then, and only then, the group is drawn smaller.
    scale = int(100 * min(1.0, _room(canvas) / widest))
    shown = [_escape(word) for word in state.words]
    shown[state.lit] = f"{{\\1c{_colour(style.lit)}&}}{shown[state.lit]}{{\\1c{_colour(style.text)}&}}"
    text = "\\N".join([" ".join(shown[: len(lines[0])]), *([" ".join(shown[len(lines[0]) :])] if len(lines) > 1 else [])])
    place = f"{{\\an5\\pos({canvas.width // 2},{middle_y})\\fscx{scale}\\fscy{scale}}}"
    return f"Dialogue: 0,{ass_time(state.start)},{ass_time(state.end)},Word,,0,0,0,,{place}{text}"


def _colour(rgb: int) -> str:
    """ASS writes alpha, blue, green, red."""
    return f"&H00{rgb & 0xFF:02X}{rgb >> 8 & 0xFF:02X}{rgb >> 16:02X}"


def ass_time(centiseconds: int) -> str:
    """As a Dialogue has it."""
    return f"{centiseconds // 360000}:{centiseconds // 6000 % 60:02}:{centiseconds // 100 % 60:02}.{centiseconds % 100:02}"


def _escape(text: str) -> str:
    """Braces would open an override block; a backslash cannot be escaped, so another character that looks like it stands in."""
    return text.replace("\\", "\N{SET MINUS}").replace("{", "\\{").replace("}", "\\}")


def _clean(text: str) -> str:
    """On one line, without control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def srt(transcript: Transcript, start_s: float, end_s: float) -> str:
    """SubRip: a sentence a cue, more where it is longer than two lines of 42 characters. Empty where nothing is said."""
    length = round((end_s - start_s) * 100)
    cues = [cue for run in _runs(words_inside(transcript, start_s, end_s), length) for cue in _cues(run)]
    blocks = []
    for number, (cue, after) in enumerate(zip_longest(cues, cues[1:]), start=1):
        following = after[0].start if after else length
        end = min(following, max(cue[-1].end, cue[0].start + SRT_SHORTEST))
        text = "\n".join(_wrapped(cue, max_lines=SRT_LINES))
        blocks.append(f"{number}\n{_srt_time(cue[0].start)} --> {_srt_time(end)}\n{text}\n")
    return "\n".join(blocks)


def _cues(run: Sequence[Said]) -> Iterator[list[Said]]:
    cue: list[Said] = []
    for word in run:
        if cue and len(_wrapped([*cue, word])) > SRT_LINES:
            yield cue
            cue = []
        cue.append(word)
    yield cue


def _wrapped(words: Sequence[Said], max_lines: int | None = None) -> list[str]:
    text = " ".join(word.text for word in words).replace("-->", "->")
    return textwrap.wrap(text, SRT_COLUMNS, max_lines=max_lines, placeholder="…", break_on_hyphens=False)


def _srt_time(centiseconds: int) -> str:
    return f"{centiseconds // 360000:02}:{centiseconds // 6000 % 60:02}:{centiseconds // 100 % 60:02},{centiseconds % 100 * 10:03}"
