"""The campaign engine: one long recording becomes vertical clips."""

from cutroom.contracts.base import ArtifactRef, Frozen, JobInput, JobRef, Nothing, StepInput
from cutroom.contracts.media import Aspect, PreparedMedia, Resolution
from cutroom.contracts.speech import SourcePlan
from cutroom.contracts.steps import Queue, Step


class CampaignInput(Frozen):
    """`campaign/cmp_...`: input of the workflow `campaign`. A job that is started anew goes on counting from `last_seq`."""

    org_id: str
    job_id: str
    last_seq: int = 0


class ClipWishes(Frozen):
    count: int
    min_s: float
    max_s: float
    aspect: Aspect = "9:16"
    resolution: Resolution = "1080p"


class CampaignPlan(SourcePlan):
    """Everything a campaign needs, fixed before its first costly step, so that a retry elsewhere cannot mix two engines.

    `resolve_plan` fills in what was asked, from the database; `choose_engines` what the model workers can do. `ranker`: the
    language model that ranks the best candidates again; empty where there is none. `watermark`: the clips are marked.
    """

    wishes: ClipWishes
    caption_style: str = "classic"
    watermark: bool = False
    ranker: str = ""
    shots_engine: str = ""
    faces_engine: str = ""


class PlanInput(StepInput):
    """Input of a campaign's step."""

    plan: CampaignPlan

    @property
    def owner(self) -> JobRef:
        return self.plan.job


class ShotsInput(PlanInput):
    """Frames `first_frame:last_frame` (past the end) of the prepared frames."""

    prepared: PreparedMedia
    first_frame: int
    last_frame: int

    @property
    def part(self) -> str:
        return str(self.first_frame)


class JoinShotsInput(PlanInput):
    prepared: PreparedMedia
    parts: list[ArtifactRef]


class SelectInput(PlanInput):
    prepared: PreparedMedia
    transcript: ArtifactRef
    shots: ArtifactRef


class RerankInput(PlanInput):
    """The candidates of `selection` are ranked again by `plan.ranker`."""

    transcript: ArtifactRef
    selection: ArtifactRef


class RecordClipsInput(JobInput):
    selection: ArtifactRef


class ClipPlace(Frozen):
    clip_id: str
    ordinal: int
    start_s: float
    end_s: float


class ClipPlaces(Frozen):
    clips: list[ClipPlace]


class ClipInput(Frozen):
    """`clip/clp_...`: input of the workflow `clip`, a child of its campaign, or of the summary whose reel it is in."""

    plan: CampaignPlan
    prepared: PreparedMedia
    transcript: ArtifactRef
    shots: ArtifactRef
    place: ClipPlace
    paused: bool = False


class ClipStepInput(StepInput):
    """Input of one clip's step."""

    clip: ClipInput

    @property
    def owner(self) -> JobRef:
        return self.clip.plan.job

    @property
    def part(self) -> str:
        return self.clip.place.clip_id


class ReframeInput(ClipStepInput):
    """The crop of each shot of the clip is planned."""


class RenderInput(ClipStepInput):
    framing: ArtifactRef


class RenderedClip(Frozen):
    video: ArtifactRef
    captions_ass: ArtifactRef | None


class PackageInput(ClipStepInput):
    framing: ArtifactRef
    rendered: RenderedClip


class PackagedClip(Frozen):
    """A finished clip. `subtitles` is SRT; None where nothing is said."""

    video: ArtifactRef
    subtitles: ArtifactRef | None
    thumbnail: ArtifactRef
    framing: ArtifactRef
    duration_s: float


class FinishClipInput(JobInput):
    """Exactly one of `packaged` and `error_code` is given."""

    clip_id: str
    packaged: PackagedClip | None = None
    error_code: str = ""
    error_detail: str = ""


class ClipOutcome(Frozen):
    """Result of the workflow `clip`; `error_code` where it is not ready, else `packaged`, which 0.3.0 did not tell."""

    clip_id: str
    ready: bool
    error_code: str = ""
    packaged: PackagedClip | None = None


class ClipIdle(Frozen):
    """Signal `clip_idle` of a clip to its job: whether it waits at its gate."""

    clip_id: str
    idle: bool


class RecordFilesInput(JobInput):
    """The files of a job that people may read: transcript, shots."""

    transcript: ArtifactRef
    shots: ArtifactRef


RESOLVE_PLAN = Step("resolve_plan", Queue.CONTROL, JobRef, CampaignPlan)
CHOOSE_ENGINES = Step("choose_engines", Queue.GPU, PlanInput, CampaignPlan, 60, 60)
DETECT_SHOTS_CHUNK = Step("detect_shots_chunk", Queue.GPU, ShotsInput, ArtifactRef, 900, 120)
JOIN_SHOTS = Step("join_shots", Queue.CPU_MEDIA, JoinShotsInput, ArtifactRef, 120, 60)
SELECT_CLIPS = Step("select_clips", Queue.CPU_MEDIA, SelectInput, ArtifactRef, 600, 60)
RERANK_CLIPS = Step("rerank_clips", Queue.OUTBOUND, RerankInput, ArtifactRef, 900, 60)
RECORD_CLIPS = Step("record_clips", Queue.CONTROL, RecordClipsInput, ClipPlaces, must_stop=True)
RECORD_FILES = Step("record_files", Queue.CONTROL, RecordFilesInput, Nothing, must_stop=True)
REFRAME_CLIP = Step("reframe_clip", Queue.GPU, ReframeInput, ArtifactRef, 900, 60)
RENDER_CLIP = Step("render_clip", Queue.CPU_MEDIA, RenderInput, RenderedClip, 3600, 60, must_stop=True)
PACKAGE_CLIP = Step("package_clip", Queue.CPU_MEDIA, PackageInput, PackagedClip, 300, 60, must_stop=True)
FINISH_CLIP = Step("finish_clip", Queue.CONTROL, FinishClipInput, Nothing, attempts=0, must_stop=True)
