"""Which assets a job may read, and why not."""

from sqlalchemy.ext.asyncio import AsyncSession

from api.requests import NewCampaign, NewSummary
from cutroom.contracts.media import AssetKind, MediaFacts
from cutroom.errors import BadInput, Conflict, InvalidRequest
from cutroom.speech.language import same_language
from cutroom.store import assets
from cutroom.store.tables import Asset


async def source_of(session: AsyncSession, asset_id: str, kind: AssetKind, field: str) -> Asset:
    """The asset to read, kept as it is until the transaction ends; a duplicate's bytes are its original's.

    Raises NotFound (`asset_unknown`), Conflict (`asset_not_ready`), BadInput with the code that the asset was rejected
    with, and InvalidRequest (`asset_kind_wrong`).
    """
    asset = await assets.get_original(session, asset_id, lock=True)
    if asset.status in ("uploading", "verifying"):
        raise Conflict("This asset is not ready yet; wait until its status is ready.", code="asset_not_ready", field=field)
    if asset.status == "rejected":
        raise BadInput(asset.error_detail, code=asset.error_code, field=field)
    if asset.kind != kind:
        raise InvalidRequest(f"This asset is not of the kind {kind}.", code="asset_kind_wrong", field=field)
    return asset


async def sources_of(session: AsyncSession, wanted: NewCampaign | NewSummary) -> tuple[Asset, Asset | None]:
    """The video and the captions file of a job. Raises like `source_of`, and `captions_language_mismatch`."""
    video = await source_of(session, wanted.asset_id, "video", "asset_id")
    if wanted.captions_asset_id is None:
        return video, None
    captions = await source_of(session, wanted.captions_asset_id, "captions", "captions_asset_id")
    asked, found = wanted.captions.language, captions.language
    if asked and found and not same_language(asked, found):
        raise InvalidRequest(
            "The captions file is in another language than the one asked for; leave the language out, or give another file.",
            code="captions_language_mismatch",
            field="captions.language",
        )
    return video, captions


def length_of(video: Asset) -> float:
    """Seconds."""
    return MediaFacts.model_validate(video.media).duration_s


def warnings_of(video: Asset, captions: Asset | None) -> list[str]:
    """What of these sources a campaign has to leave out, known before it begins."""
    if captions is not None and not MediaFacts.model_validate(video.media).has_audio:
        return ["The recording has no sound to place the captions by: they are left out."]
    return []
