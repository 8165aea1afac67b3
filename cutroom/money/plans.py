"""The plans and packs that are sold today."""

from cutroom.money.books import BOOKS, CURRENT, Pack, Plan

__all__ = ["PACKS", "PLANS", "Pack", "Plan"]

# By name, in the order of what they allow; `own` is the plan of who runs the server, and allows all that the settings allow.
PLANS: dict[str, Plan] = BOOKS[CURRENT].plans
PACKS: dict[str, Pack] = BOOKS[CURRENT].packs
