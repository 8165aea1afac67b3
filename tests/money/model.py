"""What the ledger should do, told another way: each grant is a purse of lots, and each lot has an end of its own.

The ledger keeps sums and works out from its postings what has lapsed; the model moves single lots. They must agree.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

FOREVER = 10**9
GRACE_DAYS = 7


@dataclass(frozen=True)
class Step:
    """One call. `key` is one of two grants or three jobs; `ends` is the day a grant ends. A revoke of 0 is of the whole grant."""

    does: Literal["grant", "hold", "settle", "refund", "adjust", "expire", "revoke"]
    key: int = 0
    amount: int = 0
    ends: int | None = None


@dataclass
class Purse:
    given: Step
    ends: int
    lots: list[list[int]]  # [end, amount], oldest first
    accounts: Counter[str] = field(default_factory=Counter)  # held, spent, expired, revoked

    @property
    def available(self) -> int:
        return self.given.amount - sum(self.accounts.values())

    def take(self, amount: int, account: str) -> int:
        """Move so much to `account`, oldest lots first; answers what the lots had of it."""
        left = amount
        for lot in self.lots:
            taken = min(left, lot[1])
            lot[1] -= taken
            left -= taken
        self.accounts[account] += amount
        return amount - left

    def give_back(self, amount: int, account: str, day: int) -> None:
        """Move so much out of `account`: what is owed is made up for first, the rest is a lot of its own."""
        owed = max(0, -self.available)
        self.accounts[account] -= amount
        self.lots.append([self.ends if self.ends > day else day + GRACE_DAYS, max(0, amount - owed)])


class Model:
    """One organisation. Days are ints; answers are values, or the name of the error."""

    def __init__(self) -> None:
        self.purses: dict[int | str, Purse] = {}
        self.holds: dict[int, dict[int | str, int]] = {}
        self.settled: dict[int, int] = {}
        self.spent: dict[int, dict[int | str, int]] = {}
        self.done: dict[tuple[str, int], Step | int] = {}  # refunds, adjustments, partial revokes

    def balance(self, day: int) -> tuple[int, ...]:
        """available, held, spent, expired, revoked, granted"""
        self.pass_to(day)
        total: Counter[str] = sum((purse.accounts for purse in self.purses.values()), Counter())
        granted = sum(purse.given.amount for purse in self.purses.values())
        return (self.available, *(total[name] for name in ("held", "spent", "expired", "revoked")), granted)

    @property
    def available(self) -> int:
        return sum(purse.available for purse in self.purses.values())

    def pass_to(self, day: int) -> None:
        """Lots whose end has come lapse."""
        for purse in self.purses.values():
            purse.accounts["expired"] += sum(amount for end, amount in purse.lots if end <= day)
            purse.lots = [lot for lot in purse.lots if lot[0] > day]

    def do(self, step: Step, day: int) -> object:
        self.pass_to(day)
        match step.does:
            case "grant":
                return self._grant(step)
            case "hold":
                return self._hold(step.key, step.amount)
            case "settle":
                return self._settle(step.key, step.amount, day)
            case "refund":
                return self._refund(step, day)
            case "adjust":
                return self._adjust(step)
            case "revoke":
                return self._revoke(step.key, step.amount)
            case "expire":
                return None

    def _grant(self, step: Step) -> object:
        if step.key in self.purses:
            return None if self.purses[step.key].given == step else "Conflict"
        end = FOREVER if step.ends is None else step.ends
        self.purses[step.key] = Purse(step, end, [[end, step.amount]])
        return None

    def _hold(self, job: int, amount: int) -> object:
        if job in self.holds:
            return None if sum(self.holds[job].values()) == amount else "Conflict"
        if job in self.settled:
            return None
        if self.available < amount:
            return "InsufficientCredits"
        self.holds[job] = self._take(amount, "held")
        return None

    def _take(self, amount: int, account: str) -> dict[int | str, int]:
        """Move so much to `account`, from the purses that end soonest; answers what each gave."""
        parts = {}
        # Python's sort is stable: purses of one end stay in the order they were given in.
        for key, purse in sorted(self.purses.items(), key=lambda item: item[1].ends):
            part = min(amount, sum(lot[1] for lot in purse.lots))
            amount -= part
            if part:
                parts[key] = purse.take(part, account)
        return parts

    def _settle(self, job: int, spent: int, day: int) -> object:
        if job not in self.holds:
            self.settled.setdefault(job, 0)
            return (0, 0)
        held = sum(self.holds[job].values())
        if job in self.settled:
            return (spent, held - spent) if self.settled[job] == spent else "Conflict"
        if spent > held:
            return "InvalidRequest"
        self.settled[job] = spent
        self.spent[job] = {}
        left = spent
        for key, part in self.holds[job].items():
            used = min(left, part)
            left -= used
            self.purses[key].accounts.update(held=-used, spent=used)
            self.purses[key].give_back(part - used, "held", day)
            self.spent[job][key] = used
        return (spent, held - spent)

    def _refund(self, step: Step, day: int) -> object:
        if ("refund", step.key) in self.done:
            return None if self.done["refund", step.key] == step else "Conflict"
        spent = self.spent.get(step.key, {})
        if sum(spent.values()) < step.amount:
            return "InvalidRequest"
        self.done["refund", step.key] = step
        left = step.amount
        for key, part in reversed(spent.items()):
            taken = min(left, part)
            left -= taken
            spent[key] -= taken
            self.purses[key].give_back(taken, "spent", day)
        return None

    def _adjust(self, step: Step) -> object:
        if ("adjust", step.key) in self.done:
            return None if self.done["adjust", step.key] == step else "Conflict"
        if step.amount < 0 and self.available < -step.amount:
            return "InsufficientCredits"
        self.done["adjust", step.key] = step
        if step.amount > 0:
            self.purses[f"adjust-{step.key}"] = Purse(step, FOREVER, [[FOREVER, step.amount]])
        else:
            self._take(-step.amount, "revoked")
        return None

    def _revoke(self, key: int, amount: int) -> object:
        if key not in self.purses:
            return "NotFound"
        name = ("revoke in part" if amount else "revoke", key)
        if name in self.done:
            taken = self.done[name]
            return taken if amount >= taken or not amount else "Conflict"
        purse = self.purses[key]
        left = purse.given.amount - purse.accounts["expired"] - purse.accounts["revoked"]
        taken = min(amount or left, left)
        if taken:
            purse.take(taken, "revoked")
            self.done[name] = taken
        return taken
