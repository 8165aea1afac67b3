"""Telling others what happened: one event's delivery to one endpoint, and mails."""

from cutroom.contracts.base import Frozen, Nothing, OrgInput
from cutroom.contracts.steps import Queue, Step

# The schedule that Standard Webhooks 1.0 recommends: seconds to wait before each try.
SCHEDULE_S = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
# Tries that failed together are not to come back together: each wait is longer by up to this part of it.
JITTER = 0.2


class DeliveryInput(OrgInput):
    """`delivery/evt_.../whe_...`: input of the workflow `delivery`. `tried`: the tries made before this run."""

    delivery_id: str
    tried: int = 0


class TryInput(OrgInput):
    """One try, counted from 1. `wait_s`: until the next one, should it fail; None where it is the last."""

    delivery_id: str
    number: int
    wait_s: float | None

    @property
    def part(self) -> str:
        return f"{self.delivery_id}/{self.number}"


class Tried(Frozen):
    """`over`: there is nothing more to do. `counted`: False where the endpoint's lane was full and nothing was sent.

    `wait_s`: how long to wait before the next try, or before the same one again.
    """

    over: bool = False
    counted: bool = True
    wait_s: float = 0.0


class MailInput(OrgInput):
    """`mail/<about>`: input of the workflow `mail`. `about`: the id of a job that ended, or of an endpoint turned off."""

    about: str

    @property
    def part(self) -> str:
        return self.about


# Without limit: giving up would lose an event because our own database was away.
DELIVER = Step("deliver", Queue.OUTBOUND, TryInput, Tried, 40, 40, attempts=0)
SEND_MAIL = Step("send_mail", Queue.OUTBOUND, MailInput, Nothing, 60, 60, attempts=30)
