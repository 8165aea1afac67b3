"""An event of Stripe's: its object is looked up, and what is found there is applied."""

from datetime import timedelta

from temporalio import workflow

from cutroom.contracts.base import Nothing
from cutroom.contracts.cards import APPLY_CARD_STATE, LOOK_UP_CARD_OBJECT, ApplyInput, CardEventInput, CardState
from workflows.steps import StepError, call

# Three days, as long as Stripe itself goes on sending: a key that is wrong, or Stripe away, is mended by then.
ASK_AGAIN_AFTER = timedelta(minutes=15)
ASKED_AT_MOST = 3 * 24 * 4


@workflow.defn(name="card_event", failure_exception_types=[StepError])
class CardEvent:
    """`card_event/evt_...`"""

    @workflow.run
    async def run(self, event: CardEventInput) -> Nothing:
        state = await self._looked_up(event)
        return await call(APPLY_CARD_STATE, ApplyInput(**event.model_dump(), state=state))

    async def _looked_up(self, event: CardEventInput) -> CardState:
        for _ in range(ASKED_AT_MOST - 1):
            try:
                return await call(LOOK_UP_CARD_OBJECT, event)
            except StepError as error:
                workflow.logger.warning("%s failed with %s", error.step, error.code)
                await workflow.sleep(ASK_AGAIN_AFTER)
        return await call(LOOK_UP_CARD_OBJECT, event)
