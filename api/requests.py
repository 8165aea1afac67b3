"""The bodies that the API takes. Closed: a field that cannot be honoured is refused, never ignored.

A limit with a name of its own raises `refused`; its code is in docs/errors.md.
"""

import re
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from cutroom.contracts.media import Aspect, AssetKind, Resolution
from cutroom.identity.tokens import SCOPES, Mode, Scope

MAX_CLIPS = 30
SHORTEST_CLIP_S = 3.0
LONGEST_CLIP_S = 180.0
ASPECTS: tuple[str, ...] = get_args(Aspect)
LONGEST_TOPIC = 200
MOST_TERMS = 100
LONGEST_TERM = 60
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def refused(code: str, detail: str) -> PydanticCustomError:
    """A validation error with a code of ours."""
    return PydanticCustomError(code, detail, {"house": True})


Text = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
Id = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Metadata = Annotated[
    dict[
        Annotated[Text, StringConstraints(max_length=40)], Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
    ],
    Field(max_length=50, description="Yours: shown as you gave it, never read by us."),
]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


Currency = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Labelled(Body):
    """What every created resource can carry for its owner."""

    metadata: Metadata = {}
    external_id: Text | None = None


class NewUpload(Labelled):
    """`sha256` of the whole file, hex: bytes that the organisation has already are not sent again."""

    filename: Text
    size_bytes: int = Field(ge=0)
    kind: AssetKind | None = None
    sha256: Sha256 | None = None


class PartToSend(Body):
    number: int = Field(ge=1)
    sha256: Sha256


class PartsToSend(Body):
    parts: list[PartToSend] = Field(min_length=1, max_length=100)


def _clip_count(count: int) -> int:
    if not 1 <= count <= MAX_CLIPS:
        raise refused("clip_count_invalid", f"Ask for 1 to {MAX_CLIPS} clips.")
    return count


def _clip_length(seconds: float) -> float:
    if not SHORTEST_CLIP_S <= seconds <= LONGEST_CLIP_S:
        raise refused("clip_length_invalid", f"A clip is {SHORTEST_CLIP_S:g} to {LONGEST_CLIP_S:g} seconds long.")
    return seconds


def _aspect(aspect: str) -> str:
    if aspect not in ASPECTS:
        raise refused("aspect_unknown", f"There is no such aspect; clips are made in {', '.join(ASPECTS)}.")
    return aspect


def _topic(topic: str) -> str:
    if not _is_line(topic, LONGEST_TOPIC):
        raise refused("topic_invalid", f"A topic is one line of words, of at most {LONGEST_TOPIC} characters.")
    return topic.strip()


def _term(term: str) -> str:
    if not _is_line(term, LONGEST_TERM):
        raise refused("term_invalid", f"A name or term is one line of at most {LONGEST_TERM} characters, with a letter in it.")
    return term.strip()


def _vocabulary(terms: list[str]) -> list[str]:
    if len(terms) > MOST_TERMS:
        raise refused("vocabulary_too_long", f"Give at most {MOST_TERMS} names and terms.")
    return list(dict.fromkeys(terms))


def _is_line(text: str, longest: int) -> bool:
    """Whether it is one line without control characters, not too long, with a letter of any script."""
    return len(text) <= longest and not CONTROL.search(text) and any(character.isalpha() for character in text)


ClipCount = Annotated[int, AfterValidator(_clip_count)]
ClipLength = Annotated[float, AfterValidator(_clip_length)]
AspectName = Annotated[str, AfterValidator(_aspect), Field(json_schema_extra={"enum": [*ASPECTS]})]
Topic = Annotated[str, AfterValidator(_topic), Field(json_schema_extra={"maxLength": LONGEST_TOPIC})]
Term = Annotated[str, AfterValidator(_term), Field(json_schema_extra={"maxLength": LONGEST_TERM})]
Vocabulary = Annotated[list[Term], AfterValidator(_vocabulary), Field(json_schema_extra={"maxItems": MOST_TERMS})]


# Left out of a body that has none, so that an Idempotency-Key from before there was such a field still fits its body.
QuoteId = Annotated[Id | None, Field(exclude_if=lambda given: given is None)]
ClipResolution = Annotated[Resolution | None, Field(exclude_if=lambda given: given is None)]


class WantedClips(Body):
    """How many clips, and how long, in seconds. A source shorter than `min_s` gives one clip of all of it.

    `resolution`: the shorter side in pixels; without it 1080p, or as much of that as your plan allows.
    `topic`: what the clips are to be about, in a few words; others are left out where any passage has a word of it.
    """

    count: ClipCount = 3
    min_s: ClipLength = 15.0
    max_s: ClipLength = 60.0
    aspect: AspectName = "9:16"
    resolution: ClipResolution = None
    topic: Topic | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_s > self.max_s:
            raise refused("min_over_max", "The shortest clip you ask for is longer than the longest.")
        return self


class WantedSpeech(Body):
    """`language`: what is spoken, such as `en`; without it, the captions file's or the detected one.

    `vocabulary`: names and terms as they are to be spelled, where they are heard.
    """

    language: Language | None = None
    vocabulary: Vocabulary = []


class WantedCaptions(WantedSpeech):
    style: Literal["classic"] = "classic"


class NewCampaign(Labelled):
    """`quote_id`: a quote whose price is to hold; it is good for one campaign."""

    asset_id: Id
    quote_id: QuoteId = None
    captions_asset_id: Id | None = None
    clips: WantedClips = WantedClips()
    captions: WantedCaptions = WantedCaptions()


class WantedReel(Body):
    """Its shape, and the style of the captions burned into it."""

    aspect: AspectName = "16:9"
    caption_style: Literal["classic"] = "classic"


def _of_highlights(reel: WantedReel | None, others: ValidationInfo) -> WantedReel | None:
    if reel is not None and others.data.get("highlights") == 0:
        raise refused("reel_invalid", "A reel is made of highlights; ask for at least one, or leave the reel out.")
    return reel


class NewSummary(Labelled):
    """`language`: of the summary; another one than the recording's needs a language model. `quote_id` fixes the price.

    `reel`: the highlights as one video, `reel.mp4`; null: none. It is charged only where it was made.
    """

    asset_id: Id
    captions_asset_id: Id | None = None
    captions: WantedSpeech = WantedSpeech()
    length: Literal["short", "medium", "long"] = "medium"
    key_points: int = Field(8, ge=0, le=30)
    highlights: int = Field(5, ge=0, le=30)
    reel: Annotated[WantedReel | None, AfterValidator(_of_highlights)] = None
    language: Language | None = None
    currency: Currency | None = None
    quote_id: QuoteId = None


class QuotedClips(Body):
    count: ClipCount = 3
    resolution: ClipResolution = None


class NewQuote(Body):
    """`clips` of a campaign. `reel`: whether a summary comes with one; `currency` of a summary, such as `usd`; without it, the
    first of `/v1/prices`.
    """

    kind: Literal["campaign", "summary"]
    asset_id: Id
    clips: QuotedClips | None = None
    reel: bool = False
    currency: Currency | None = None

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        if self.kind == "campaign" and self.currency is not None:
            raise refused("currency_unknown", "Campaigns are paid from credits; leave the currency out.")
        if self.kind == "campaign" and self.reel:
            raise refused("reel_invalid", "Only summaries have a reel; leave it out.")
        if self.kind != "campaign" and self.clips is not None:
            raise refused("clip_count_invalid", "Only campaigns have clips; leave them out.")
        return self


class NewToken(Body):
    """`mode` is the caller's where it is left out."""

    name: Text
    mode: Mode | None = None
    scopes: list[Scope] = Field(min_length=1, max_length=len(SCOPES))


class NewGrant(Body):
    """Credits for the token's own organisation and mode. `reason` is for the books."""

    amount: int = Field(ge=1, le=1_000_000_000)
    reason: Text


class NewAdjustment(Body):
    """A correction of the token's own organisation and mode: up, or down by what is available. `reason` is for the books."""

    amount: int = Field(ge=-1_000_000_000, le=1_000_000_000)
    reason: Text


class NewRefund(Body):
    """Credits that a job gets back of what it spent. `reason` is for the books."""

    job_id: Id
    amount: int = Field(ge=1, le=1_000_000_000)
    reason: Text
