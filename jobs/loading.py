"""Jobs as the hot path reads them: by statements compiled once, with the rows they point at already in place."""

from __future__ import annotations

from jobs.models import Job
from orchestrations.lib.prepared import Param, Query


def job(pk: int) -> Job:
    """Raises Job.DoesNotExist."""
    found = _JOB.instance(pk=pk)
    if found is None:
        raise Job.DoesNotExist(f"There is no job {pk}.")
    return found


def consequences(pk: int) -> Job:
    """A settled job with what says what follows from its end."""
    found = _CONSEQUENCES.instance(pk=pk)
    if found is None:
        raise Job.DoesNotExist(f"There is no job {pk}.")
    return found


def consequences_of(pk: int, fence: str) -> Job | None:
    """The same of one that carries this fencing token, None when it does not."""
    return _FENCED.instance(pk=pk, fence=fence)


def run(pk: int) -> Job:
    """A job with the token it is bound to."""
    found = _RUN.instance(pk=pk)
    if found is None:
        raise Job.DoesNotExist(f"There is no job {pk}.")
    return found


def root_of(pk: int) -> int:
    """Under whose lock the job changes; itself when there is no such job."""
    roots = _ROOT.values(pk=pk)
    return roots[0] if roots and roots[0] else pk


def attempt(pk: int, fence: str) -> Job | None:
    """A job with its token and configuration, while it carries this fencing token."""
    return _ATTEMPT.instance(pk=pk, fence=fence)


_ROOT = Query(lambda: Job.objects.filter(pk=Param("pk")).values_list("root_id"))
_JOB = Query(lambda: Job.objects.filter(pk=Param("pk")))
_WHAT_FOLLOWS = ("is_run", "is_trial", "configuration_id", "parent_id", "root_id")
_CONSEQUENCES = Query(lambda: Job.objects.filter(pk=Param("pk")).only(*_WHAT_FOLLOWS))
_FENCED = Query(lambda: Job.objects.filter(pk=Param("pk"), fence=Param("fence")).only(*_WHAT_FOLLOWS))
_RUN = Query(lambda: Job.objects.filter(pk=Param("pk")).select_related("token"))
_LARGE = ("configuration__document", "configuration__description")
_ATTEMPT = Query(
    lambda: (
        Job.objects.filter(pk=Param("pk"), fence=Param("fence")).select_related("token", "configuration").defer(*_LARGE)
    )
)
