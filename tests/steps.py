"""Every step that a workflow can run."""

from typing import Any

from cutroom.contracts import (
    campaign,
    cards,
    deliveries,
    ingest,
    jobs,
    payment_reconciliation,
    purchase_reconciliation,
    reconciliation,
    speech,
    summary,
)
from cutroom.contracts.steps import Step

MODULES = (
    campaign,
    cards,
    deliveries,
    ingest,
    jobs,
    payment_reconciliation,
    purchase_reconciliation,
    reconciliation,
    speech,
    summary,
)
STEPS: list[Step[Any, Any]] = [value for module in MODULES for value in vars(module).values() if isinstance(value, Step)]
