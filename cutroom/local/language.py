"""Whether the language model that settings name answers. Clips are made without it too, so nothing here is worse than a warning."""

from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from cutroom.local.finding import Finding
from cutroom.settings import Settings

TIMEOUT_S = 10
WITHOUT = "Clips are chosen without it until then."


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


def language(settings: Settings) -> Finding:
    """Asks the endpoint which models it has, with the key of this environment."""
    url, model = settings.language_url, settings.language_model
    if not (url or model):
        return Finding("language", "ok", "none; clips are chosen by their own features")
    if not (url and model):
        lacking = "CUTROOM_LANGUAGE_MODEL" if url else "CUTROOM_LANGUAGE_URL"
        return Finding("language", "warning", "none", advice=f"Set {lacking} too, or empty both. {WITHOUT}")
    problem = _problem(url, model, settings.language_api_key.get_secret_value())
    return Finding("language", "warning" if problem else "ok", model, urlsplit(url).hostname or "", advice=problem)


def _problem(url: str, model: str, key: str) -> str:
    """What keeps the model from being used; empty where nothing does."""
    try:
        headers = {"Authorization": f"Bearer {key.strip()}"} if key.strip() else {}
        response = httpx.get(f"{url.rstrip('/')}/models", headers=headers, timeout=TIMEOUT_S)
        response.raise_for_status()
        offered = [found.id for found in _Models.model_validate_json(response.content).data]
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        return f"It answers with status {status}; correct CUTROOM_LANGUAGE_URL or CUTROOM_LANGUAGE_API_KEY. {WITHOUT}"
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValidationError):
        return f"It does not answer as an OpenAI-compatible server does; correct CUTROOM_LANGUAGE_URL. {WITHOUT}"
    return "" if model in offered else f"It has no such model; correct CUTROOM_LANGUAGE_MODEL. {WITHOUT}"
