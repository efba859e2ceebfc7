"""Who terminates a job that brings tables in and out comes in time, or too late; nothing in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs import terminating
from jobs.carrying import intents
from jobs.models import Job, TableImport, TableUpdate
from jobs.states import JobStatus
from orchestrations.models import Project, Table
from tests import builders
from tests.builders import task
from tests.clusters import wait_for
from tests.jobs.carrying.world import (
    BOTH,
    TWO,
    assert_loaded_once,
    build,
    rescue,
    seed,
    stopped_at,
)
from tests.jobs.performing import Performer
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


def terminate(job: Job) -> Job:
    return terminating.terminate(Job.objects.get(pk=job.pk), actor=builders.admin_of(job.project), now=timezone.now())


@pytest.mark.parametrize("verb", ["export", "stage"])
def test_terminating_before_the_decision_loads_nothing(
    verb: str, project: Project, performer: Performer, storage: Path
) -> None:
    seed(project, table_id="in.c-shop.orders")
    both = {**BOTH, "input": {"tables": [{"source": "in.c-shop.orders", "destination": "in.csv"}]}}
    builders.launch(build(project, TWO, both))

    with stopped_at(storage, performer, verb, "after") as job:
        terminate(job)
        wait_for(lambda: Job.objects.get(pk=job.pk).is_settled, what="it has ended")

    job.refresh_from_db()
    assert job.status == JobStatus.TERMINATED
    assert not TableImport.objects.exists() and Table.objects.count() == 1


def test_terminating_after_the_decision_comes_too_late_and_the_run_ends_terminated(
    project: Project, performer: Performer, storage: Path
) -> None:
    following = build(project, "print('never')")
    run = builders.launch(builders.build_orchestration(project, [task(build(project, TWO, BOTH))], [task(following)]))

    with stopped_at(storage, performer, "commit", "between") as job:
        with pytest.raises(terminating.IsDecided, match="is loading its tables"):
            terminate(job)
        assert terminate(run).status == JobStatus.TERMINATING
        job.refresh_from_db()
        assert job.status == JobStatus.PROCESSING

    assert_loaded_once(job)
    run.refresh_from_db()
    assert run.status == JobStatus.TERMINATED
    assert run.children.count() == 1


def test_terminating_and_deciding_at_once_have_one_winner(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = build(project, TWO, BOTH)
    write = intents.write

    def write_in_a_race(job: Job, fence: str, *given: Any, **more: Any) -> Any:
        results = race(lambda: write(job, fence, *given, **more), lambda: terminate(job))
        assert not unexpected(results, terminating.IsDecided)
        return results[0]

    monkeypatch.setattr(intents, "write", write_in_a_race)
    ends = set()
    for _ in range(ROUNDS):
        before = TableUpdate.objects.count()
        job = performer.run(configuration)
        rescue(performer)
        job.refresh_from_db()
        ends.add(job.status)
        imports = TableImport.objects.filter(job=job).count()
        assert (job.status, imports) in [(JobStatus.SUCCESS, 2), (JobStatus.TERMINATED, 0)]
        assert TableUpdate.objects.count() == before + imports
