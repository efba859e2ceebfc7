"""What a job was created to do: the version it is bound to and its request (R4)."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache, reduce
from operator import or_
from typing import Any

from django.db.models import Q

from jobs.models import Job
from orchestrations import plans
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import ConfigurationVersion


class SnapshotLost(LookupError):
    """The version that the job is bound to has been purged; the message is for the user."""


def document_of(job: Job) -> dict[str, Any]:
    """The configuration that the job runs: the request's own, else that of its version. Secrets stay encrypted.

    Raises SnapshotLost.
    """
    given = job.request.get("configData")
    if given:
        return dict(given)
    if job.configuration_id is None or job.configuration_version is None:
        raise SnapshotLost("The configuration of this job has been purged.")
    return _document(job.configuration_id, job.configuration_version)


def documents_of(job_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """As ``document_of``, by the ids of component jobs, in two queries; without those whose version is lost."""
    asked = ("pk", "request__configData", "configuration", "configuration_version")
    jobs = list(Job.objects.filter(pk__in=job_ids, is_run=False).values_list(*asked))
    of_versions = [Q(configuration=configuration, version=version) for _, _, configuration, version in jobs]
    rows = (
        ConfigurationVersion.objects.filter(reduce(or_, of_versions)) if jobs else ConfigurationVersion.objects.none()
    )
    stored = {
        (configuration, version): found
        for configuration, version, found in rows.values_list("configuration", "version", "document")
    }
    found = {pk: given or stored.get((configuration, version)) for pk, given, configuration, version in jobs}
    return {pk: dict(document) for pk, document in found.items() if document is not None}


def plan_of(run: Job) -> plans.Plan:
    """The phases and tasks that a run executes, in order. Raises SnapshotLost, InvalidPlan, InvalidSelection."""
    given = run.request.get("configData")
    if given or run.only_task_keys is not None or run.configuration_id is None or run.configuration_version is None:
        return whole_plan_of(run).select(run.only_task_keys)
    return _active_plan(run.configuration_id, run.configuration_version)


def whole_plan_of(run: Job) -> plans.Plan:
    """As ``plan_of``, with the tasks that were not chosen."""
    given = run.request.get("configData")
    if given or run.configuration_id is None or run.configuration_version is None:
        return plans.parse(document_of(run))
    return _plan(run.configuration_id, run.configuration_version)


# A version never changes, so what was read once may be kept.
@lru_cache(maxsize=256)
def _plan(configuration_id: int, version: int) -> plans.Plan:
    return plans.parse(_document(configuration_id, version))


@lru_cache(maxsize=256)
def _active_plan(configuration_id: int, version: int) -> plans.Plan:
    return _plan(configuration_id, version).select(None)


def forget_plans() -> None:
    """For tests, which roll back the rows of one and give their numbers to another."""
    _plan.cache_clear()
    _active_plan.cache_clear()


def _document(configuration_id: int, version: int) -> dict[str, Any]:
    documents = _DOCUMENT.values(configuration=configuration_id, version=version)
    if not documents:
        raise SnapshotLost(f"Version {version} of the configuration of this job has been purged.")
    return dict(documents[0])


_DOCUMENT = Query(
    lambda: (
        ConfigurationVersion.objects.filter(configuration=Param("configuration"), version=Param("version"))
        .order_by()
        .values_list("document")
    )
)
