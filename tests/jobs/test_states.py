"""R11: a status changes along the graph, by one conditional UPDATE, with its event in the same transaction."""

from __future__ import annotations

from itertools import product

import pytest
from django.db import transaction

from jobs import states
from jobs.models import Job, JobEvent
from jobs.moving import Note, move
from jobs.states import ACTIVE, FAILED, MOVES, SETTLED, UNSETTLED, ImpossibleMove, JobStatus
from orchestrations.models import Project
from tests import builders
from tests.builders import NOW
from tests.jobs.racing import ROUNDS, race, unexpected

POSSIBLE = {
    ("waiting", "processing"),
    ("waiting", "cancelled"),
    ("waiting", "error"),
    ("processing", "waiting"),
    ("processing", "terminating"),
    ("processing", "success"),
    ("processing", "warning"),
    ("processing", "error"),
    ("terminating", "terminated"),
}
NOTE = Note(kind="job.tested", message="Moved by a test.")


@pytest.mark.parametrize(("old", "new"), list(product(JobStatus, JobStatus)))
def test_every_pair_of_statuses_is_allowed_or_refused_as_the_graph_says(old: JobStatus, new: JobStatus) -> None:
    allowed = (old.value, new.value) in POSSIBLE

    try:
        states.check(old, new)
    except ImpossibleMove as error:
        assert not allowed, error
    else:
        assert allowed
    assert (old in states.sources(new)) is allowed


def test_statuses_are_active_waiting_or_settled_and_nothing_leaves_a_settled_one() -> None:
    assert ACTIVE | {JobStatus.WAITING} == UNSETTLED
    assert set(JobStatus) == UNSETTLED | SETTLED
    assert not UNSETTLED & SETTLED
    assert SETTLED - {JobStatus.SUCCESS} == FAILED
    assert all(not MOVES[status] for status in SETTLED)
    assert all(MOVES[status] for status in UNSETTLED)


@pytest.mark.django_db
def test_a_move_that_the_graph_does_not_know_is_refused_before_anything_is_written(project: Project) -> None:
    job = builders.launch(builders.build_configuration(project))

    with pytest.raises(ImpossibleMove):
        move(job.pk, JobStatus.SUCCESS, sources={JobStatus.WAITING}, note=NOTE, now=NOW)

    job.refresh_from_db()
    assert job.status == JobStatus.WAITING
    assert not job.events.filter(kind="job.tested").exists()


@pytest.mark.django_db
def test_a_move_writes_its_event_and_a_move_that_comes_too_late_writes_nothing(project: Project) -> None:
    job = builders.launch(builders.build_configuration(project))

    first = move(job.pk, JobStatus.CANCELLED, note=NOTE, now=NOW)
    second = move(job.pk, JobStatus.CANCELLED, note=NOTE, now=NOW)

    assert (first, second) == (True, False)
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert job.finished_at == NOW
    assert job.events.filter(kind="job.tested").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_move_that_is_rolled_back_leaves_no_event(project: Project) -> None:
    job = builders.launch(builders.build_configuration(project))

    with pytest.raises(RuntimeError), transaction.atomic():
        move(job.pk, JobStatus.CANCELLED, note=NOTE, now=NOW)
        raise RuntimeError

    job.refresh_from_db()
    assert job.status == JobStatus.WAITING
    assert not JobEvent.objects.filter(kind="job.tested").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_moves_at_once_one_wins_and_one_event_exists(project: Project) -> None:
    configuration = builders.build_configuration(project)
    for _ in range(ROUNDS):
        job = builders.launch(configuration)

        results = race(
            lambda job=job: move(job.pk, JobStatus.CANCELLED, note=NOTE, now=NOW),
            lambda job=job: move(job.pk, JobStatus.ERROR, sources={JobStatus.WAITING}, note=NOTE, now=NOW),
        )

        assert not unexpected(results)
        assert sorted(results) == [False, True]
        assert job.events.filter(kind="job.tested").count() == 1
        assert Job.objects.get(pk=job.pk).status == (JobStatus.CANCELLED if results[0] else JobStatus.ERROR)
