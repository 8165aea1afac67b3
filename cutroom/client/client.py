"""The client: one method per thing that people do."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from httpx_sse import connect_sse

from cutroom.client.resources import (
    Asset,
    Balance,
    Checkout,
    Entry,
    Event,
    File,
    Job,
    MadeToken,
    MadeWebhookEndpoint,
    Payment,
    Quote,
    Token,
    WebhookDelivery,
    WebhookEndpoint,
)
from cutroom.client.transport import PATIENCE_S, Transport, error_of
from cutroom.client.uploading import send
from cutroom.errors import Unreachable


class Client:
    """Talks to one server as the owner of one token. Use it as a context manager."""

    def __init__(
        self, base_url: str, token: str, *, patience_s: float = PATIENCE_S, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._transport = Transport(base_url, token, patience_s, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._transport.close()

    def upload(
        self, path: Path, *, kind: str | None = None, on_progress: Callable[[int, int], None] = lambda done, of: None
    ) -> Asset:
        """Send a file and wait until it is verified. Raises BadInput with the reason where it cannot be used."""
        return send(self._transport, path, kind, on_progress)

    def quote(
        self,
        kind: str,
        asset_id: str,
        *,
        count: int | None = None,
        resolution: str | None = None,
        reel: bool = False,
        currency: str | None = None,
    ) -> Quote:
        """What a job of `kind` would cost at most; `count`, `resolution`: clips of a campaign, `reel`, `currency`: of a summary."""
        clips = {name: value for name, value in {"count": count, "resolution": resolution}.items() if value is not None}
        body: dict[str, Any] = {"kind": kind, "asset_id": asset_id}
        body |= {"clips": clips} if clips else {}
        body |= {"reel": True} if reel else {}
        body |= {"currency": currency} if currency is not None else {}
        return Quote.model_validate(self._transport.post("/v1/quotes", body))

    def create_campaign(
        self,
        asset_id: str,
        *,
        captions_asset_id: str | None = None,
        count: int | None = None,
        min_s: float | None = None,
        max_s: float | None = None,
        aspect: str | None = None,
        resolution: str | None = None,
        topic: str | None = None,
        language: str | None = None,
        vocabulary: Sequence[str] = (),
        external_id: str | None = None,
        quote_id: str | None = None,
        key: str | None = None,
    ) -> Job:
        """Start a campaign; what is left out takes the server's default. `quote_id`: a quote whose price is to hold."""
        wishes = {"count": count, "min_s": min_s, "max_s": max_s, "aspect": aspect, "resolution": resolution, "topic": topic}
        clips = {name: value for name, value in wishes.items() if value is not None}
        captions: dict[str, Any] = {"language": language} if language else {}
        captions |= {"vocabulary": list(vocabulary)} if vocabulary else {}
        body: dict[str, Any] = {"asset_id": asset_id, "clips": clips, "captions": captions}
        body |= {"captions_asset_id": captions_asset_id} if captions_asset_id else {}
        body |= {"external_id": external_id} if external_id else {}
        body |= {"quote_id": quote_id} if quote_id else {}
        return Job.model_validate(self._transport.post("/v1/campaigns", body, key=key))

    def create_summary(
        self,
        asset_id: str,
        *,
        captions_asset_id: str | None = None,
        length: str | None = None,
        key_points: int | None = None,
        highlights: int | None = None,
        reel: bool = False,
        aspect: str | None = None,
        language: str | None = None,
        currency: str | None = None,
        external_id: str | None = None,
        quote_id: str | None = None,
        key: str | None = None,
    ) -> Job:
        """Ask for a summary; it begins once `payment` is confirmed. What is left out takes the server's default.

        `reel`: with a video of its highlights, in the shape `aspect`.
        """
        wishes = {
            "captions_asset_id": captions_asset_id,
            "length": length,
            "key_points": key_points,
            "highlights": highlights,
            "reel": ({"aspect": aspect} if aspect else {}) if reel else None,
            "language": language,
            "currency": currency,
            "external_id": external_id,
            "quote_id": quote_id,
        }
        given = {name: value for name, value in wishes.items() if value is not None}
        return Job.model_validate(self._transport.post("/v1/summaries", {"asset_id": asset_id, **given}, key=key))

    def payment(self, summary_id: str) -> Payment:
        """How a summary's payment stands now; waits until it is open."""
        return Payment.model_validate(self._transport.get(f"/v1/summaries/{summary_id}/payment"))

    def job(self, job_id: str) -> Job:
        return Job.model_validate(self._transport.get(f"/v1/jobs/{job_id}"))

    def campaign_json(self, campaign_id: str) -> dict[str, Any]:
        """The campaign as the API gives it."""
        answer: dict[str, Any] = self._transport.get(f"/v1/campaigns/{campaign_id}")
        return answer

    def summary_json(self, summary_id: str) -> dict[str, Any]:
        """The summary's job as the API gives it; what was summed up is among its files."""
        answer: dict[str, Any] = self._transport.get(f"/v1/summaries/{summary_id}")
        return answer

    def jobs(self, *, kind: str | None = None, status: str | None = None) -> Iterator[Job]:
        """All jobs, newest first."""
        return (Job.model_validate(item) for item in self._pages("/v1/jobs", kind=kind, status=status))

    def cancel(self, job_id: str) -> Job:
        return self._act(job_id, "cancel")

    def pause(self, job_id: str) -> Job:
        return self._act(job_id, "pause")

    def resume(self, job_id: str) -> Job:
        return self._act(job_id, "resume")

    def events(self, job_id: str) -> Iterator[Event]:
        """What happened and happens, until the job ends; a broken connection is taken up where it broke."""
        last = 0
        while True:
            try:
                for event in self._stream(job_id, last):
                    last = event.seq or last
                    yield event
            except (httpx.TransportError, Unreachable):
                self.job(job_id)  # waits for the server, with patience
                continue
            if self.job(job_id).ended:
                return

    def files(self, job_id: str) -> list[File]:
        """Everything the job made, with URLs that are good for some minutes."""
        return [File.model_validate(item) for item in self._transport.get(f"/v1/jobs/{job_id}/files")["items"]]

    def logs(self, job_id: str) -> Iterator[tuple[str, str]]:
        """What the tools of each step said: (file name, text)."""
        for item in self._transport.get(f"/v1/jobs/{job_id}/log")["items"]:
            yield item["file"]["name"], self._transport.patiently(partial(self._text, item["file"]["url"]))

    def _text(self, url: str) -> str:
        response = self._transport.store.get(url)
        if not response.is_success:
            raise error_of(response)
        return response.text

    def download(self, file: File, folder: Path) -> Path:
        """Save a file under its own name; it appears whole or not at all."""
        target = folder / file.name

        def attempt() -> None:
            part = target.with_name(f".{target.name}.part")
            with self._transport.store.stream("GET", file.url) as response, part.open("wb") as out:
                if not response.is_success:
                    response.read()
                    raise error_of(response)
                for data in response.iter_bytes(1 << 20):
                    out.write(data)
            part.replace(target)

        self._transport.patiently(attempt)
        return target

    def balance(self) -> Balance:
        return Balance.model_validate(self._transport.get("/v1/credits"))

    def entries(self) -> Iterator[Entry]:
        """The ledger's operations, newest first."""
        return (Entry.model_validate(item) for item in self._pages("/v1/credits/entries"))

    def statement(self, since: datetime | None = None, until: datetime | None = None) -> str:
        """All entries from `since` on and before `until` between two balances, as CSV: 366 days at most, and the last where no
        `since` is given."""
        period = {"from": since and since.isoformat(), "to": until and until.isoformat()}
        return self._transport.text("/v1/credits/statement", **period)

    def open_checkout(
        self, success_url: str, cancel_url: str, *, plan: str | None = None, pack: str | None = None, key: str | None = None
    ) -> Checkout:
        """A page that sells a plan or a pack of `GET /v1/prices`; credits come with the payment."""
        body = {"success_url": success_url, "cancel_url": cancel_url} | ({"plan": plan} if plan else {"pack": pack})
        return Checkout.model_validate(self._transport.post("/v1/checkouts", body, key=key))

    def open_portal(self, return_url: str, *, key: str | None = None) -> str:
        """The address of a page on which the plan is changed or ended."""
        return str(self._transport.post("/v1/portal-sessions", {"return_url": return_url}, key=key)["url"])

    def grant(self, amount: int, reason: str, *, key: str | None = None) -> None:
        """Give the token's organisation credits; needs the scope `admin`."""
        self._transport.post("/v1/admin/grants", {"amount": amount, "reason": reason}, key=key)

    def adjust(self, amount: int, reason: str, *, key: str | None = None) -> None:
        """Correct the token's organisation's credits, up or down; needs the scope `admin`."""
        self._transport.post("/v1/admin/adjustments", {"amount": amount, "reason": reason}, key=key)

    def refund(self, job_id: str, amount: int, reason: str, *, key: str | None = None) -> None:
        """Give back credits that a job spent; needs the scope `admin`."""
        self._transport.post("/v1/admin/refunds", {"job_id": job_id, "amount": amount, "reason": reason}, key=key)

    def tokens(self) -> Iterator[Token]:
        return (Token.model_validate(item) for item in self._pages("/v1/tokens"))

    def create_token(self, name: str, scopes: list[str], mode: str | None = None) -> MadeToken:
        body = {"name": name, "scopes": scopes} | ({"mode": mode} if mode else {})
        return MadeToken.model_validate(self._transport.post("/v1/tokens", body))

    def revoke_token(self, token_id: str) -> None:
        self._transport.delete(f"/v1/tokens/{token_id}")

    def webhook_endpoints(self) -> Iterator[WebhookEndpoint]:
        return (WebhookEndpoint.model_validate(item) for item in self._pages("/v1/webhook-endpoints"))

    def create_webhook_endpoint(self, url: str, events: Sequence[str], description: str = "") -> MadeWebhookEndpoint:
        body = {"url": url, "events": list(events), "description": description}
        return MadeWebhookEndpoint.model_validate(self._transport.post("/v1/webhook-endpoints", body))

    def delete_webhook_endpoint(self, endpoint_id: str) -> None:
        self._transport.delete(f"/v1/webhook-endpoints/{endpoint_id}")

    def webhook_deliveries(self, endpoint_id: str | None = None, status: str | None = None) -> Iterator[WebhookDelivery]:
        """Deliveries with their tries, newest first."""
        pages = self._pages("/v1/webhook-deliveries", endpoint=endpoint_id, status=status)
        return (WebhookDelivery.model_validate(item) for item in pages)

    def replay_webhook_delivery(self, delivery_id: str, *, key: str | None = None) -> WebhookDelivery:
        """Send an event once more: a delivery of its own."""
        return WebhookDelivery.model_validate(self._transport.post(f"/v1/webhook-deliveries/{delivery_id}/replay", key=key))

    def _act(self, job_id: str, action: str) -> Job:
        kind = "summaries" if job_id.startswith("sum_") else "campaigns"
        return Job.model_validate(self._transport.post(f"/v1/{kind}/{job_id}/{action}"))

    def _stream(self, job_id: str, last: int) -> Iterator[Event]:
        headers = {"Last-Event-ID": str(last)}
        timeout = httpx.Timeout(30, read=60)
        with connect_sse(self._transport.http, "GET", f"/v1/jobs/{job_id}/events", headers=headers, timeout=timeout) as source:
            if not source.response.is_success:
                source.response.read()
                raise error_of(source.response)
            for sent in source.iter_sse():
                if sent.data:  # a keep-alive has none
                    numbered = sent.id and sent.event != "progress"
                    yield Event(seq=int(sent.id) if numbered else None, kind=sent.event, data=json.loads(sent.data))

    def _pages(self, path: str, **filters: str | None) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = self._transport.get(path, cursor=cursor, **filters)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return
