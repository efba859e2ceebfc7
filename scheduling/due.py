"""What is to be done for a due schedule (R15). Pure: scheduler and forecast decide by this very code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import islice

from scheduling import cron
from scheduling.policies import CatchUp, FiringOutcome, Overlap

ON_TIME = timedelta(minutes=1)
"""So late a moment does not count as missed."""
CATCH_UP = timedelta(days=31)
"""Older ones are not made up for, whatever the policy."""
MOST_COUNTED = 500
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Start a run for ``fire``, or for none; ``missed`` moments are left out, ``missed_first`` and later.

    ``next_at`` is when to decide again, for ALL possibly a moment that is past as well.
    """

    fire: datetime | None
    missed: int
    missed_first: datetime | None
    next_at: datetime

    @property
    def missed_words(self) -> str:
        if not self.missed:
            return ""
        number = f"More than {MOST_COUNTED}" if self.missed > MOST_COUNTED else str(self.missed)
        return f"{number} earlier {'moment was' if self.missed == 1 else 'moments were'} missed."


def decide(expression: str, zone: tzinfo, catch_up: str, due: datetime, now: datetime) -> Decision:
    """For a schedule whose ``next_run_at`` is ``due``, not later than ``now``. Raises InvalidExpression."""
    following = cron.next_after(expression, zone, due)
    if catch_up == CatchUp.ALL and now - due <= CATCH_UP:
        return Decision(fire=due, missed=0, missed_first=None, next_at=following)
    if catch_up == CatchUp.ALL:
        skipped = cron.next_after(expression, zone, now - CATCH_UP - INSTANT)
        return Decision(fire=None, missed=_count(expression, zone, due, skipped), missed_first=due, next_at=skipped)
    latest = due if following > now else cron.previous_before(expression, zone, now + INSTANT)
    missed = 0 if latest == due else _count(expression, zone, due, latest)
    fires = catch_up == CatchUp.LAST or now - latest <= ON_TIME
    return Decision(
        fire=latest if fires else None,
        missed=missed + (not fires),
        missed_first=due if missed or not fires else None,
        next_at=following if latest == due else cron.next_after(expression, zone, latest),
    )


def outcome(decision: Decision, overlap: str, *, has_waiting_run: bool) -> FiringOutcome | None:
    """What becomes of a due schedule (R17); None when there is nothing to write down."""
    if decision.fire is None:
        return FiringOutcome.MISSED if decision.missed else None
    if overlap == Overlap.SKIP and has_waiting_run:
        return FiringOutcome.SKIPPED
    return FiringOutcome.STARTED


def _count(expression: str, zone: tzinfo, start: datetime, end: datetime) -> int:
    """How many moments lie in ``[start, end)``; no further than one more than MOST_COUNTED."""
    return sum(1 for _ in islice(cron.firings(expression, zone, start, end), MOST_COUNTED + 1))
