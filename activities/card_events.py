"""Steps of Stripe's events: asking Stripe for the object's present state (outbound), and applying it (control)."""

from activities.base import Task, implements
from cutroom.contracts.base import Nothing
from cutroom.contracts.cards import APPLY_CARD_STATE, LOOK_UP_CARD_OBJECT, ApplyInput, CardEventInput, CardState
from cutroom.money import purchases
from cutroom.money.card_state import look_up


@implements(LOOK_UP_CARD_OBJECT)
async def look_up_card_object(task: Task, event: CardEventInput) -> CardState:
    """What Stripe holds now of what the event is about."""
    return await look_up(task.resources.cards(event.mode), event.kind, event.object_id)


@implements(APPLY_CARD_STATE)
async def apply_card_state(task: Task, event: ApplyInput) -> Nothing:
    """Grants, takes back, sets a plan, or tells a job's workflow; all of it in one transaction with the note of it."""
    async with task.resources.all_organisations.transaction(None) as session:
        await purchases.apply(session, event)
    return Nothing()
