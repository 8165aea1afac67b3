"""The bodies that the API takes. Closed: a field that cannot be honoured is refused, never ignored.

A limit with a name of its own raises `refused`; its code is in docs/errors.md.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from cutroom.contracts.media import AssetKind
from cutroom.identity.tokens import SCOPES, Mode, Scope

MAX_CLIPS = 30
SHORTEST_CLIP_S = 3.0
LONGEST_CLIP_S = 180.0


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
    if aspect != "9:16":
        raise refused("aspect_unknown", "There is no such aspect; clips are made in 9:16.")
    return aspect


ClipCount = Annotated[int, AfterValidator(_clip_count)]
ClipLength = Annotated[float, AfterValidator(_clip_length)]


class WantedClips(Body):
    """How many clips, and how long, in seconds. A source shorter than `min_s` gives one clip of all of it."""

    count: ClipCount = 3
    min_s: ClipLength = 15.0
    max_s: ClipLength = 60.0
    aspect: Annotated[str, AfterValidator(_aspect)] = "9:16"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_s > self.max_s:
            raise refused("min_over_max", "The shortest clip you ask for is longer than the longest.")
        return self


class WantedCaptions(Body):
    """`language`: what is spoken, such as `en`; without it, the captions file's or the detected one."""

    style: Literal["classic"] = "classic"
    language: Language | None = None


class NewCampaign(Labelled):
    asset_id: Id
    captions_asset_id: Id | None = None
    clips: WantedClips = WantedClips()
    captions: WantedCaptions = WantedCaptions()


class QuotedClips(Body):
    count: ClipCount = 3


class NewQuote(Body):
    kind: Literal["campaign"]
    asset_id: Id
    clips: QuotedClips = QuotedClips()


class NewToken(Body):
    """`mode` is the caller's where it is left out."""

    name: Text
    mode: Mode | None = None
    scopes: list[Scope] = Field(min_length=1, max_length=len(SCOPES))


class NewGrant(Body):
    """Credits for the token's own organisation and mode. `reason` is for the books."""

    amount: int = Field(ge=1, le=1_000_000_000)
    reason: Text
