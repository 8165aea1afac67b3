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
    """One call. `key` is one of two grants or three jobs; `ends` is the day a grant ends."""

    does: Literal["grant", "hold", "settle", "expire", "revoke"]
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


class Model:
    """One organisation. Days are ints; answers are values, or the name of the error."""

    def __init__(self) -> None:
        self.purses: dict[int, Purse] = {}
        self.holds: dict[int, dict[int, int]] = {}
        self.settled: dict[int, int] = {}

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
            case "revoke":
                return self._revoke(step.key)
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
        self.holds[job] = {}
        # Python's sort is stable: purses of one end stay in the order they were given in.
        for key, purse in sorted(self.purses.items(), key=lambda item: item[1].ends):
            for lot in purse.lots:
                taken = min(amount, lot[1])
                lot[1] -= taken
                amount -= taken
                purse.accounts["held"] += taken
                self.holds[job][key] = self.holds[job].get(key, 0) + taken
        return None

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
        left = spent
        for key, part in sorted(self.holds[job].items(), key=lambda item: self.purses[item[0]].ends):
            purse = self.purses[key]
            used = min(left, part)
            left -= used
            purse.accounts.update(held=-part, spent=used)
            if not purse.accounts["revoked"]:
                purse.lots.append([purse.ends if purse.ends > day else day + GRACE_DAYS, part - used])
        return (spent, held - spent)

    def _revoke(self, key: int) -> object:
        if key not in self.purses:
            return "NotFound"
        purse = self.purses[key]
        if not purse.accounts["revoked"]:
            purse.accounts["revoked"] = purse.given.amount - purse.accounts["expired"]
            purse.lots = []
        return purse.accounts["revoked"]
