"""Jobs as the hot path reads them: by statements compiled once, with the rows they point at already in place."""

from __future__ import annotations

from jobs.models import Job
from jobs.prepared import Param, Query
from orchestrations.models import Configuration, Token


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
    found = job(pk)
    if found.token_id is not None:
        found.token = _TOKEN.instance(pk=found.token_id)
    return found


def attempt(pk: int, fence: str) -> Job | None:
    """A job with its token and configuration, while it carries this fencing token."""
    found = _ATTEMPT.instance(pk=pk, fence=fence)
    if found is None:
        return None
    if found.token_id is not None:
        found.token = _TOKEN.instance(pk=found.token_id)
    if found.configuration_id is not None:
        found.configuration = _CONFIGURATION.instance(pk=found.configuration_id)
    return found


_JOB = Query(lambda: Job.objects.filter(pk=Param("pk")))
_WHAT_FOLLOWS = ("is_run", "configuration_id", "parent_id", "root_id")
_CONSEQUENCES = Query(lambda: Job.objects.filter(pk=Param("pk")).only(*_WHAT_FOLLOWS))
_FENCED = Query(lambda: Job.objects.filter(pk=Param("pk"), fence=Param("fence")).only(*_WHAT_FOLLOWS))
_ATTEMPT = Query(lambda: Job.objects.filter(pk=Param("pk"), fence=Param("fence")))
_TOKEN = Query(lambda: Token.objects.filter(pk=Param("pk")))
_CONFIGURATION = Query(lambda: Configuration.objects.filter(pk=Param("pk")).only("key", "state"))
