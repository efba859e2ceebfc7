"""R12: an attempt whose component has ended and whose worker has not lived to load its tables goes to another."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from jobs import performing
from jobs.carrying import course
from jobs.models import Job
from jobs.rescuing import Rescuer
from jobs.states import JobStatus
from orchestrations.models import Project
from tests import builders
from tests.clusters import wait_for
from tests.jobs.carrying.world import BOTH, TWO, assert_loaded_once, build, die, rescue, seed
from tests.jobs.performing import Performer

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_finished_component_of_a_dead_worker_is_adopted_with_its_tables(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    job = builders.launch(build(project, TWO + f"open({str(ran)!r}, 'a').write('x')", BOTH))
    with monkeypatch.context() as patched:
        # The component has ended; its worker dies before it does anything about it.
        patched.setattr(course.Course, "finish", lambda self, *done: setattr(self, "is_left", True))
        performer.perform()
    Job.objects.filter(pk=job.pk).update(worker="1:1:gone")

    # Its supervisor may still be about to end, and is waited for.
    wait_for(lambda: rescue(performer), what="the job is taken over")

    assert_loaded_once(job)
    assert ran.read_text() == "x"


def test_an_adopted_job_tells_its_input_tables(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(project, table_id="in.c-shop.orders")
    read = {"input": {"tables": [{"source": "in.c-shop.orders", "destination": "in.csv"}]}}
    job = builders.launch(build(project, "pass", read))
    with monkeypatch.context() as patched:
        patched.setattr(performing, "conclude", die)
        with pytest.raises(SystemExit):
            performer.perform()
    Job.objects.filter(pk=job.pk).update(worker="1:1:gone")

    wait_for(lambda: rescue(performer), what="the job is adopted")

    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESS
    assert [each["id"] for each in job.result["input"]["tables"]] == ["in.c-shop.orders"]


def test_an_attempt_taken_over_that_no_worker_takes_up_is_a_sign_of_a_wedged_queue(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = builders.launch(build(project, TWO, BOTH))
    with monkeypatch.context() as patched:
        patched.setattr(course.Course, "finish", lambda self, *done: setattr(self, "is_left", True))
        performer.perform()
    Job.objects.filter(pk=job.pk).update(worker="1:1:gone")
    rescuer = Rescuer(performer.claimant.owner)

    counts = []
    for _ in range(3):
        wait_for(rescuer.rescue, what="the job is taken over")
        counts.append(rescuer.undelivered)
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    rescuer.has_delivered()
    wait_for(rescuer.rescue, what="the job is taken over")

    assert (counts, rescuer.undelivered) == ([0, 1, 2], 0)


def test_a_dead_workers_decided_import_is_finished_on_any_machine(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = builders.launch(build(project, TWO, BOTH))
    with monkeypatch.context() as patched:
        patched.setattr(course.Course, "_carry_out", die)
        with pytest.raises(SystemExit):
            performer.perform()
    elsewhere = timezone.now() - timedelta(hours=1)
    Job.objects.filter(pk=job.pk).update(owner="elsewhere/1:1:1/x", worker="1:1:1", lease_until=elsewhere)

    wait_for(lambda: rescue(performer) and Job.objects.get(pk=job.pk).is_settled, what="it was finished here")

    assert_loaded_once(job)
