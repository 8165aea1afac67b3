"""The Python client of Cutroom's HTTP API.

    from cutroom.client import Client

    with Client("http://127.0.0.1:8000", token) as cutroom:
        talk = cutroom.upload(Path("talk.mp4"))
        campaign = cutroom.create_campaign(talk.id, count=5)
        for event in cutroom.events(campaign.id):
            print(event.kind, event.data)

Errors are those of `cutroom.errors`. Calls that create carry an Idempotency-Key, so every call is retried safely while the
server is away.
"""

from cutroom.client.client import Client
from cutroom.client.resources import Asset, Balance, Clip, Entry, Event, File, Job, MadeToken, Payment, Quote, Token

__all__ = ["Asset", "Balance", "Client", "Clip", "Entry", "Event", "File", "Job", "MadeToken", "Payment", "Quote", "Token"]
