"""What a waiting run must have to start: nothing before it, and a token that serves."""

from __future__ import annotations

from datetime import datetime

from jobs.models import Job
from orchestrations import access
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib.prepared import Param, Query
from orchestrations.models import Token


def find(run_id: int) -> Job | None:
    """The waiting run, when nothing holds it up (R5, R7)."""
    return _RUN.instance(pk=run_id)


def token_for(run: Job, now: datetime) -> tuple[Token | None, str | None]:
    """The token that the run is bound to from here on, and why it may not run with it (R18)."""
    if run.configuration_id is not None:
        token = _OWN_TOKEN.instance(orchestration=run.configuration_id)
    else:
        token = run.parent.token if run.parent is not None else run.created_with
    if token is None and run.configuration_id is None and run.created_by_id is not None and not run.had_token:
        return None, None
    return token, access.refusal(token, component_id=ORCHESTRATOR, now=now, bound=run.configuration_id is None)


_RUN = Query(
    lambda: (
        Job.objects.waiting()
        .due()
        .first_of_their_configuration()
        .filter(pk=Param("pk"), is_run=True, project__paused_at__isnull=True)
        .select_related("parent__token", "created_with")
    )
)
_OWN_TOKEN = Query(lambda: Token.objects.filter(orchestration=Param("orchestration"), replaced_at__isnull=True))
