"""Compensation: what must be undone is registered before it is done, and undone newest first on every way out."""

from dataclasses import dataclass, field
from typing import Any

from cutroom.contracts.base import StepInput
from cutroom.contracts.steps import Step
from workflows.steps import StepError, call


@dataclass
class Compensations:
    """A stack of undoing steps. Each must tolerate that what it undoes never happened."""

    _stack: list[tuple[Step[Any, Any], StepInput]] = field(default_factory=list)

    def register(self, step: Step[Any, Any], input: StepInput) -> None:
        self._stack.append((step, input))

    def clear(self) -> None:
        """Everything went well and nothing is to be undone."""
        self._stack.clear()

    async def run(self) -> list[StepError]:
        """Undo all, newest first; one that fails keeps none of the others from running. Returns the failures."""
        failures = []
        while self._stack:
            step, input = self._stack.pop()
            try:
                await call(step, input)
            except StepError as error:
                failures.append(error)
        return failures
