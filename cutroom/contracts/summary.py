"""The summary engine: a recording becomes a summary, key points, chapters, highlights and a reel of these, paid by card."""

from datetime import datetime
from typing import Literal

from cutroom.contracts.base import ArtifactRef, Frozen, JobInput, JobRef, Nothing, StepInput
from cutroom.contracts.campaign import CampaignPlan, ClipPlace, ClipPlaces, PlanInput, SelectInput
from cutroom.contracts.speech import SourcePlan
from cutroom.contracts.steps import Queue, Step

Length = Literal["short", "medium", "long"]
REEL_FILE = "reel.mp4"


class SummaryInput(Frozen):
    """`summary/sum_...`: input of the workflow `summary`. A job that is started anew goes on counting from `last_seq`."""

    org_id: str
    job_id: str
    last_seq: int = 0


class SummaryWishes(Frozen):
    """`language`: of the summary, as a base code (`en`); empty: that of the recording."""

    length: Length = "medium"
    key_points: int = 8
    highlights: int = 5
    language: str = ""


class SummaryPlan(SourcePlan):
    """Everything a summary needs, fixed before its first costly step. `writer`: the language model that is asked; empty: none.

    `reel`: by which the clips of its highlight reel are made; None: no reel is wanted.
    """

    wishes: SummaryWishes
    writer: str = ""
    reel: CampaignPlan | None = None


class SummaryPlanInput(StepInput):
    """Input of a summary's step."""

    plan: SummaryPlan

    @property
    def owner(self) -> JobRef:
        return self.plan.job


class SummariseInput(SummaryPlanInput):
    transcript: ArtifactRef


class SummaryFiles(Frozen):
    """What people download: the summary as data, for reading, for editing, and its chapters for a player."""

    json_file: ArtifactRef
    markdown: ArtifactRef
    docx: ArtifactRef
    chapters: ArtifactRef


class ReelInput(SelectInput):
    """The highlights of `summary` (JSON) are to be shown."""

    summary: ArtifactRef


class JoinReelInput(PlanInput):
    """`videos`: the clips of `places`, in order of time."""

    places: list[ClipPlace]
    videos: list[ArtifactRef]


class Reel(Frozen):
    """The highlight reel, or in `error_code` why there is none."""

    video: ArtifactRef | None = None
    error_code: str = ""


class RecordSummaryInput(JobInput):
    """`reel` is None where none was wanted."""

    transcript: ArtifactRef
    files: SummaryFiles
    reel: Reel | None = None


class CaptureInput(JobInput):
    """`reel`: whether there is one to pay for."""

    reel: bool = False


class Authorisation(Frozen):
    """How the job's payment stands. `held`: the whole amount can be captured, until `capture_before`.

    `reason`: why it is not, as the card processor names it, such as `insufficient_funds` or `requires_action`.
    """

    held: bool
    reason: str = ""
    capture_before: datetime | None = None


RESOLVE_SUMMARY = Step("resolve_summary", Queue.CONTROL, JobRef, SummaryPlan)
CHOOSE_RECOGNISER = Step("choose_recogniser", Queue.GPU, SummaryPlanInput, SummaryPlan, 60, 60)
SUMMARISE = Step("summarise", Queue.CPU_MEDIA, SummariseInput, SummaryFiles, 600, 60)
WRITE_SUMMARY = Step("write_summary", Queue.OUTBOUND, SummariseInput, SummaryFiles, 3600, 60)
PLAN_REEL = Step("plan_reel", Queue.CPU_MEDIA, ReelInput, ClipPlaces, 120, 60)
JOIN_REEL = Step("join_reel", Queue.CPU_MEDIA, JoinReelInput, ArtifactRef, 900, 60, must_stop=True)
RECORD_SUMMARY = Step("record_summary", Queue.CONTROL, RecordSummaryInput, Nothing, attempts=0, must_stop=True)

OPEN_PAYMENT = Step("open_payment", Queue.OUTBOUND, JobRef, Authorisation, 60, 30, attempts=0)
LOOK_AT_PAYMENT = Step("look_at_payment", Queue.OUTBOUND, JobRef, Authorisation, 60, 30, attempts=0)
CAPTURE_PAYMENT = Step("capture_payment", Queue.OUTBOUND, CaptureInput, Nothing, 60, 30, attempts=0, must_stop=True)
RELEASE_PAYMENT = Step("release_payment", Queue.OUTBOUND, JobRef, Nothing, 60, 30, attempts=0, must_stop=True)
