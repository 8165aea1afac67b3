"""In what Stripe and the ledger differ about one purchase of credits. Pure."""

from collections.abc import Sequence
from datetime import datetime

from cutroom.contracts.cards import Mode, Purchase
from cutroom.errors import InvalidRequest
from cutroom.money.card_differences import Difference
from cutroom.money.purchases import end_of, offer_of, reason_of
from cutroom.store.tables import Grant


def difference(purchase: Purchase, owner: str | None, mode: Mode, grants: Sequence[Grant]) -> Difference | None:
    """What is wrong with the grants, of any organisation and mode, that name this purchase.

    `owner`: the organisation whose customer paid; None where it is nobody's here. The first that is found is named: an amount
    paid that is not the price says nothing of the credits, which are as they should be then.
    """
    if any(grant.org_id != owner for grant in grants):
        return Difference("grant_elsewhere", "Credits were granted to another organisation than the one that paid for them.")
    if owner is None:
        return None
    try:
        offer, ends_at = offer_of(purchase), end_of(purchase)
    except InvalidRequest:
        return Difference(
            "purchase_unknown", f"{reason_of(purchase)} of book {purchase.book} was paid for, which is not sold here."
        )
    if not grants:
        return Difference("grant_missing", f"{offer.credits} credits were paid for and never granted.", "book")
    (grant,) = grants
    if (grant.mode, grant.granted, grant.expires_at, grant.reason) != (mode, offer.credits, ends_at, reason_of(purchase)):
        granted, paid_for = _credits(grant.granted, grant.mode, grant.expires_at), _credits(offer.credits, mode, ends_at)
        return Difference("grant_differs", f"{granted} were granted, where {paid_for} were paid for.")
    if purchase.amount != offer.price:
        return Difference("price_differs", f"{purchase.amount} {offer.currency} were paid, where the price is {offer.price}.")
    return None


def _credits(amount: int, mode: str, ends_at: datetime | None) -> str:
    return f"{amount} {mode} credits until {ends_at:%Y-%m-%d %H:%M}" if ends_at else f"{amount} {mode} credits without end"
