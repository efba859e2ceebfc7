"""Which tasks runs were to execute, of many runs in at most two queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from jobs.models import Job
from orchestrations import plans
from orchestrations.models import ConfigurationVersion

KEPT_VERSIONS = 500


def tasks_of_runs(
    orchestration_id: int, versions: Mapping[int, int], partial_ids: Collection[int]
) -> dict[int, frozenset[str]]:
    """By run the keys of its tasks. ``versions``: of each run; ``partial_ids``: those with a selection."""
    chosen = _chosen(partial_ids)
    whole = {run_id: version for run_id, version in versions.items() if run_id not in chosen}
    active = _active_tasks(orchestration_id, whole.values())
    return {run_id: active[version] for run_id, version in whole.items()} | chosen


def _chosen(partial_ids: Collection[int]) -> dict[int, frozenset[str]]:
    if not partial_ids:
        return {}
    rows = Job.objects.filter(pk__in=partial_ids).values_list("pk", "only_task_keys")
    return {pk: frozenset(keys or ()) for pk, keys in rows}


# A version never changes, so what was read of it once may be kept.
_kept: dict[tuple[int, int], frozenset[str]] = {}


def forget_versions() -> None:
    _kept.clear()


def _active_tasks(orchestration_id: int, versions: Iterable[int]) -> dict[int, frozenset[str]]:
    """The keys of the active tasks of each version; those not kept yet are read together."""
    versions = set(versions)
    missing = {version for version in versions if (orchestration_id, version) not in _kept}
    if missing:
        if len(_kept) > KEPT_VERSIONS:
            forget_versions()
        rows = ConfigurationVersion.objects.filter(configuration=orchestration_id, version__in=missing)
        for version, document in rows.order_by().values_list("version", "document"):
            _kept[orchestration_id, version] = _keys(document)
    return {version: _kept.get((orchestration_id, version), frozenset()) for version in versions}


def _keys(document: Any) -> frozenset[str]:
    try:
        return frozenset(task.key for task in plans.parse(document).tasks if task.enabled)
    except plans.InvalidPlan:
        return frozenset()
