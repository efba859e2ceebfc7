"""How long a run of chosen tasks should take: phases one after another, each as long as its slowest usual task."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from jobs import usual
from orchestrations import plans, queries
from orchestrations.lib.durations import rough_words
from orchestrations.models import Configuration


@dataclass(frozen=True, kw_only=True)
class Expectation:
    checked_count: int
    task_count: int
    seconds: float | None
    """None when none of the tasks has ever run well."""
    unknown_count: int = 0
    """So many of the tasks have never run well: it takes at least ``seconds``."""

    @property
    def words(self) -> str:
        if not self.checked_count:
            return "choose at least one"
        if self.seconds is None:
            return "none has run yet, so how long is not known"
        if not self.unknown_count:
            return f"usually {rough_words(self.seconds)}"
        new = "1 has" if self.unknown_count == 1 else f"{self.unknown_count} have"
        return f"at least {rough_words(self.seconds)}: {new} not run yet"


def expectation_of(
    plan: plans.Plan, chosen: Collection[str], orchestration: Configuration | None, *, project_id: int
) -> Expectation:
    """Two queries. Of the active tasks it is what the orchestration itself usually takes, once it has run."""
    tasks = [task for task in plan.tasks if task.key in chosen]
    ids = queries.ids_of(project_id, [task.configuration_key for task in tasks if task.configuration_key])
    pks = {task.key: ids.get((task.component_id, task.configuration_key or "")) for task in tasks}
    known = usual.seconds_of([*pks.values(), orchestration.pk if orchestration else None])
    usually = {key: known[pk] for key, pk in pks.items() if pk in known}
    as_a_whole = known.get(orchestration.pk) if orchestration else None
    is_whole = set(chosen) == {task.key for task in plan.tasks if task.enabled}
    counts = {"checked_count": len(tasks), "task_count": len(plan.tasks)}
    if is_whole and as_a_whole is not None:
        return Expectation(**counts, seconds=as_a_whole)
    return Expectation(**counts, seconds=seconds_of(plan, usually), unknown_count=len(tasks) - len(usually))


def seconds_of(plan: plans.Plan, usually: Mapping[str, float]) -> float | None:
    """``usually``: by key of the chosen tasks, those that are known."""
    slowest = [
        max((usually[task.key] for task in phase.tasks if task.key in usually), default=0) for phase in plan.phases
    ]
    return sum(slowest) if usually else None
