"""What imports, schedulers and workers do around an event trigger, one step at a time."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from jobs import advancing
from jobs.models import Job, TableUpdate, UpdateSource
from orchestrations.models import Table
from scheduling import triggering
from tests import builders
from tests.builders import NOW


def update(table: Table, at: datetime = NOW) -> TableUpdate:
    """What an import's last transaction writes."""
    with transaction.atomic():
        Table.objects.filter(pk=table.pk).update(revision=Table.objects.get(pk=table.pk).revision + 1, updated_at=at)
        revision = Table.objects.get(pk=table.pk).revision
        return TableUpdate.objects.create(table=table, revision=revision, source=UpdateSource.IMPORT, at=at)


def evaluate(now: datetime) -> list[Job]:
    """What a scheduler does when woken: the runs that it creates, not started yet."""
    ids: list[int] = []
    while triggering.is_anything_pending():
        ids += triggering.evaluate_updates(now=now).run_ids
    look = triggering.next_look()
    if look is not None and look <= now:
        ids += triggering.look_again(now=now).run_ids
    return list(Job.objects.filter(pk__in=ids))


def start(job: Job, now: datetime) -> None:
    assert advancing.start(job.pk, now=now)


def finish(run: Job, now: datetime) -> None:
    """Settle the run's only task as its worker would."""
    claimant = builders.build_cluster()
    (claim,) = builders.claim(claimant)
    builders.end(claim)
    run.refresh_from_db()
    assert run.is_settled
