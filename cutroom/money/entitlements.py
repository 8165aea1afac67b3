"""What an organisation's plan allows. Over it, `PlanLimit` names the smallest plan on sale that would allow it."""

from sqlalchemy.ext.asyncio import AsyncSession

from cutroom.contracts.media import Resolution, short_side
from cutroom.errors import PlanLimit
from cutroom.money.books import BOOKS
from cutroom.money.plans import PLANS, Plan
from cutroom.store import jobs, plans, postings

# Every plan that was ever sold; of one name the newest, so that nobody loses a plan that is sold no more.
_EVER = {name: plan for book in BOOKS.values() for name, plan in book.plans.items()}
# Days that files of jobs were ever kept for.
RETENTION_PERIODS = frozenset(plan.retention_days for book in BOOKS.values() for plan in book.plans.values() if plan.retention_days)
_ON_SALE = [plan for plan in PLANS.values() if plan.price]
_MIB = 1 << 20
_USUAL: Resolution = "1080p"


async def plan_for(session: AsyncSession, org_id: str, mode: str, default: str) -> Plan:
    """The plan subscribed to, or the one named `default`."""
    return _EVER.get(await plans.plan_of(session, org_id, mode) or default, _EVER[default])


def require_size(plan: Plan, size: int, field: str = "asset_id") -> None:
    """Raises PlanLimit where a source of `size` bytes, which the request names in `field`, is over the plan."""
    _require(plan, "max_source_bytes", size, f"sources of up to {(plan.max_source_bytes or 0) // _MIB} MiB", field)


def require_length(plan: Plan, source_s: float) -> None:
    """Raises PlanLimit where a source of `source_s` seconds is over the plan."""
    _require(plan, "max_source_s", source_s, f"sources of up to {(plan.max_source_s or 0) / 60:g} minutes", "asset_id")


def resolution_of(plan: Plan, wanted: Resolution | None) -> Resolution:
    """What a job's clips are made in: what is wanted, else the usual or as much of it as the plan allows.

    Raises PlanLimit where more is wanted than the plan allows.
    """
    if wanted is None:
        return plan.max_resolution or _USUAL
    _require(plan, "max_short_side", short_side(wanted), f"clips of up to {plan.max_resolution}", "clips.resolution")
    return wanted


async def require_room(session: AsyncSession, org_id: str, mode: str, plan: Plan) -> None:
    """Raises PlanLimit where one more job would be over the plan. Those that are not paid for yet do not count.

    It takes the organisation's lock, so that of jobs created at once no more get through than are allowed: create yours in the
    same transaction, and lock rows before.
    """
    if plan.max_jobs is not None:
        await postings.lock(session, org_id)
        _require(plan, "max_jobs", await jobs.count_running(session, org_id, mode) + 1, f"{plan.max_jobs} jobs at a time")


def _require(plan: Plan, limit: str, wanted: float, allowed: str, field: str | None = None) -> None:
    most = getattr(plan, limit)
    if most is None or wanted <= most:
        return
    larger = next((offer.name for offer in _ON_SALE if (getattr(offer, limit) or wanted) >= wanted), None)
    advice = f"the plan {larger} allows it" if larger else "no plan on sale allows it"
    raise PlanLimit(f"Your plan {plan.name} allows {allowed}; {advice}.", plan=larger, field=field)
