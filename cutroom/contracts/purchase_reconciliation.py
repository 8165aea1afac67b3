"""Reconciliation of credits that were bought: Stripe's invoices, packs, refunds and disputes of the last days against the ledger.

What a page of a list shows to differ is looked up whole, as an event about it would be, and then mended or named.
"""

from datetime import datetime
from typing import Literal

from cutroom.contracts.base import Frozen
from cutroom.contracts.cards import CardState, Disputed, Mode, Purchase, Refunded
from cutroom.contracts.payment_reconciliation import DayPage, PaymentDay, PaymentIds
from cutroom.contracts.reconciliation import EveryOrganisation, Findings
from cutroom.contracts.steps import Queue, Step

Sales = Literal["invoices", "packs", "refunds", "disputes"]


class SalesPage(DayPage):
    """A page of one of Stripe's lists."""

    what: Sales

    @property
    def part(self) -> str:
        return self.what


class Sale(Frozen):
    """A purchase and whose it is, without its refunds and disputes."""

    customer: str
    purchase: Purchase


class FoundSales(PaymentDay):
    """What a page held that was paid, refunded or disputed, as Stripe had it after `as_of`. `next`: see PaymentIds."""

    as_of: datetime
    sales: list[Sale] = []
    refunds: list[Refunded] = []
    disputes: list[Disputed] = []
    next: str = ""


class Suspects(Frozen):
    """Ids of invoices, sessions, refunds and disputes that our books do not agree with."""

    ids: list[str] = []


class MendInput(EveryOrganisation):
    """`id`: the suspect, or a purchase that a grant of ours names. `state`: what Stripe holds of it; empty where it is gone."""

    id: str
    mode: Mode
    state: CardState

    @property
    def part(self) -> str:
        return self.id


READ_SALES = Step("read_sales", Queue.OUTBOUND, SalesPage, FoundSales, 60, 60, attempts=3)
COMPARE_SALES = Step("compare_sales", Queue.CONTROL, FoundSales, Suspects, 60, 60, attempts=3)
LIST_GRANTS = Step("list_grants", Queue.CONTROL, DayPage, PaymentIds, 60, 60, attempts=3)
MEND_PURCHASE = Step("mend_purchase", Queue.CONTROL, MendInput, Findings, 60, 60, attempts=3)
