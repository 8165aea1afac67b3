"""TTML (W3C Timed Text Markup Language 1) to lines with times, from hostile XML.

What captions need of it: nested times, the usual time expressions, line breaks. Styles, regions and animation are passed over.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

from cutroom.errors import BadInput

XML_SPACE = re.compile(r"\s+")
# Numbers of more digits than any time has are no numbers.
CLOCK = re.compile(r"([0-9]{2,6}):([0-9]{2}):([0-9]{2}(?:\.[0-9]{1,12})?)(?::([0-9]{1,6}(?:\.[0-9]{1,6})?))?")
OFFSET = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,12})?)(h|ms|m|s|f|t)")
RATE = re.compile(r"[0-9]{1,12}")
MULTIPLIER = re.compile(r"([0-9]{1,9})\s+([0-9]{1,9})")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class Line(NamedTuple):
    """What one paragraph or span shows, with its line breaks."""

    start_s: float
    end_s: float
    text: str


class Clock(NamedTuple):
    """Frames and ticks a second, of the root element."""

    frame_rate: float
    tick_rate: float

    def seconds(self, expression: str | None) -> float | None:
        """`00:01:02.5`, `00:01:02:12` (frames), `62.5s`, `90f`; None where there is no such time."""
        if expression is None:
            return None
        if clock := CLOCK.fullmatch(expression.strip()):
            hours, minutes, seconds, frames = clock.groups()
            return 3600 * int(hours) + 60 * int(minutes) + float(seconds) + float(frames or 0) / self.frame_rate
        if offset := OFFSET.fullmatch(expression.strip()):
            unit = SECONDS.get(offset[2]) or 1 / (self.frame_rate if offset[2] == "f" else self.tick_rate)
            return float(offset[1]) * unit
        return None


def read_ttml(data: bytes) -> list[Line]:
    """All timed lines, in the order of the file. Raises BadInput (`captions_unreadable`), also for a DTD or entities."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BadInput("The TTML captions are not well-formed XML, or use a DTD.", code="captions_unreadable") from error
    if local(root.tag) != "tt":
        raise BadInput("The captions are XML, but not TTML.", code="captions_unreadable")
    body = next((child for child in root if local(child.tag) == "body"), None)
    try:
        return [] if body is None else list(lines_of(body, clock_of(root), with_timed_inside(body), 0.0, float("inf")))
    except RecursionError as error:
        raise BadInput("The TTML captions are nested too deeply.", code="captions_unreadable") from error


def clock_of(root: Element) -> Clock:
    named = {local(name): value for name, value in root.attrib.items()}
    rate = float(named["frameRate"]) if RATE.fullmatch(named.get("frameRate", "")) else 30.0
    multiplier = MULTIPLIER.fullmatch(named.get("frameRateMultiplier", "1 1").strip())
    if multiplier and int(multiplier[2]):
        rate *= int(multiplier[1]) / int(multiplier[2])
    ticks = named.get("tickRate", "")
    return Clock(rate or 30.0, float(ticks) if RATE.fullmatch(ticks) and int(ticks) else rate or 1.0)


def with_timed_inside(body: Element) -> set[Element]:
    """The elements that have one with a begin of its own somewhere inside."""
    parents = {child: parent for parent in body.iter() for child in parent}
    found: set[Element] = set()
    for element in body.iter():
        above = parents.get(element) if element.get("begin") else None
        while above is not None and above not in found:
            found.add(above)
            above = parents.get(above)
    return found


def lines_of(element: Element, clock: Clock, parted: set[Element], start_s: float, end_s: float) -> Iterator[Line]:
    """The lines in an element, whose times count from its parent's begin; one without times has its parent's.

    `parted`: the elements whose parts have times of their own.
    """
    begin, end, length = (clock.seconds(element.get(name)) for name in ("begin", "end", "dur"))
    own_s = start_s + (begin or 0.0)
    limits = [None if end is None else start_s + end, None if length is None else own_s + length]
    last_s = min([end_s, *(limit for limit in limits if limit is not None)])
    if (local(element.tag) == "p" and element not in parted) or local(element.tag) == "span":
        if last_s < float("inf"):
            yield Line(own_s, last_s, text_of(element))
        return
    for child in element:
        if isinstance(child.tag, str):
            yield from lines_of(child, clock, parted, own_s, last_s)


def text_of(element: Element) -> str:
    """The text of an element, `br` as line break, other white space as one space."""
    pieces = [XML_SPACE.sub(" ", element.text or "")]
    for child in element:
        if isinstance(child.tag, str) and local(child.tag) not in ("metadata", "set"):
            pieces.append("\n" if local(child.tag) == "br" else text_of(child))
        pieces.append(XML_SPACE.sub(" ", child.tail or ""))
    return "".join(pieces)


def local(name: str) -> str:
    """The name without its namespace, of which TTML has had several."""
    return name.rsplit("}", 1)[-1]
