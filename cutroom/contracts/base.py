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


class JobRef(Frozen):
    """A job and whose it is: the least that any step must know."""

    org_id: str
    job_id: str
