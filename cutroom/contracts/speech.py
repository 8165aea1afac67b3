"""Speech to words, for every engine that wants to know what is said in a recording."""

from pydantic import SerializeAsAny

from cutroom.contracts.base import ArtifactRef, Frozen, JobRef, StepInput
from cutroom.contracts.media import MediaFacts, PreparedSound, SpeechChunk, SpeechEngine
from cutroom.contracts.steps import Queue, Step


class SourcePlan(Frozen):
    """A job's recording, and who hears it.

    `wording` (a `Wording`) holds the words of the customer, None where there are none. `second_engine` hears what captions do
    not tell.
    """

    job: JobRef
    asset_id: str
    source: ArtifactRef
    media: MediaFacts
    captions: ArtifactRef | None
    language: str = ""
    wording: ArtifactRef | None = None
    speech_engine: SpeechEngine = "none"
    speech_model: str = ""
    second_engine: SpeechEngine = "none"
    second_model: str = ""


class HeardInput(StepInput):
    """Input of a step that reads the recording for its words. The plan travels whole: 0.3.0 reads it as a campaign's."""

    plan: SerializeAsAny[SourcePlan]

    @property
    def owner(self) -> JobRef:
        return self.plan.job


class SpeechPlanInput(HeardInput):
    """`prepared` travels whole, too: 0.4.0 reads it as a `PreparedMedia`."""

    prepared: SerializeAsAny[PreparedSound]


class SpeechPlan(Frozen):
    """`cues`: parsed captions (JSON) where the text is known."""

    chunks: list[SpeechChunk]
    cues: ArtifactRef | None = None


class TranscribeInput(HeardInput):
    sound: ArtifactRef
    chunk: SpeechChunk
    cues: ArtifactRef | None = None

    @property
    def part(self) -> str:
        return str(self.chunk.index)


class JoinTranscriptInput(HeardInput):
    """`sound` tells the voices apart; None in what an older version started."""

    parts: list[ArtifactRef]
    sound: ArtifactRef | None = None


PLAN_SPEECH = Step("plan_speech", Queue.CPU_MEDIA, SpeechPlanInput, SpeechPlan, 600, 60)
TRANSCRIBE_CHUNK = Step("transcribe_chunk", Queue.GPU, TranscribeInput, ArtifactRef, 900, 120)
JOIN_TRANSCRIPT = Step("join_transcript", Queue.CPU_MEDIA, JoinTranscriptInput, ArtifactRef, 600, 60)
