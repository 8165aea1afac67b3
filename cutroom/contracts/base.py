"""What every contract model is: frozen, closed, free of user text."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """New fields always get a default, so that histories written before them still decode."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Nothing(Frozen):
    """A step that answers nothing."""


class ArtifactRef(Frozen):
    """Bytes in the object store. `size` in bytes, `sha256` in hex."""

    key: str
    sha256: str
    size: int


class StepInput(Frozen):
    """What a step takes. `owner` and `part` name the work in leases, progress and logs."""

    @property
    def owner(self) -> "JobRef":
        """Whose work this is; `job_id` is empty where no job is behind it."""
        raise NotImplementedError

    @property
    def part(self) -> str:
        """Which of several equal pieces of a step this is; empty where there is one."""
        return ""


class JobRef(StepInput):
    """A job and whose it is: the least that any step must know."""

    org_id: str
    job_id: str

    @property
    def owner(self) -> "JobRef":
        return self


class OrgInput(StepInput):
    """Input of a step that belongs to an organisation and to no job."""

    org_id: str

    @property
    def owner(self) -> JobRef:
        return JobRef(org_id=self.org_id, job_id="")


class JobInput(StepInput):
    """Input of a step of one job."""

    job: JobRef

    @property
    def owner(self) -> JobRef:
        return self.job
