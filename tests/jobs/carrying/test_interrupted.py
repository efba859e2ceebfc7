"""R9, R12: whatever is cut off while tables are brought in and out, nothing stays half-imported (DESIGN §6)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs import advancing
from jobs.carrying import course
from jobs.models import Job, TableImport, TableUpdate
from jobs.states import JobStatus
from jobs.supervising import Drain
from orchestrations.models import Project, Table, User
from tests import builders, clusters
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

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_a_commit_that_is_killed_is_rolled_forward(
    place: str, project: Project, performer: Performer, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "TRY_AGAIN_SECONDS", 0)
    (storage / "fault").write_text(f"commit:{place}:kill")
    job = performer.run(build(project, TWO, BOTH))
    assert (job.status, job.owner) == (JobStatus.PROCESSING, "")
    assert TableUpdate.objects.count() == 0

    assert rescue(performer) == 1

    assert_loaded_once(job)
    assert rescue(performer) == 0


@pytest.mark.parametrize("verb", ["export", "stage"])
@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_what_is_killed_before_the_decision_loads_nothing(
    verb: str, place: str, project: Project, performer: Performer, storage: Path
) -> None:
    seed(project, table_id="in.c-shop.orders")
    both = {**BOTH, "input": {"tables": [{"source": "in.c-shop.orders", "destination": "in.csv"}]}}
    (storage / "fault").write_text(f"{verb}:{place}:kill")

    job = performer.run(build(project, TWO, both))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "application")
    assert "program of tables" in job.message
    assert not TableImport.objects.exists() and not TableUpdate.objects.exists()
    assert list(Table.objects.values_list("name", flat=True)) == ["orders"]


def kill_supervisor(performer: Performer, job: Job) -> None:
    (program_pid,) = clusters.marked(f"{job.pk}:{job.fence}")
    os.kill(clusters.parent_of(program_pid), signal.SIGKILL)


def stop_cluster(performer: Performer, job: Job) -> None:
    drain = performer.worker.drain
    assert isinstance(drain, Switch)
    drain.is_on = True


class Switch(Drain):
    is_on = False

    def must_stop_now(self) -> bool:
        return self.is_on


@pytest.mark.parametrize("verb", ["stage", "commit"])
@pytest.mark.parametrize("stop", [kill_supervisor, stop_cluster], ids=["supervisor killed", "cluster stops"])
def test_when_the_program_is_stopped_another_worker_goes_on_and_the_component_is_not_run_again(
    stop: Callable[[Performer, Job], None],
    verb: str,
    project: Project,
    performer: Performer,
    storage: Path,
    tmp_path: Path,
) -> None:
    ran = tmp_path / "ran"
    job = builders.launch(build(project, TWO + f"open({str(ran)!r}, 'a').write('x')", BOTH))
    performer.worker.drain = Switch()

    with stopped_at(storage, performer, verb, "before") as found:
        stop(performer, found)
        wait_for(lambda: not Job.objects.get(pk=job.pk).worker, what="the worker has let go")
    performer.worker.drain = Drain()

    wait_for(lambda: rescue(performer) and Job.objects.get(pk=job.pk).is_settled, what="somebody has gone on")
    assert_loaded_once(job)
    assert ran.read_text() == "x"


def test_settling_twice_writes_the_rows_once(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch, alice: User
) -> None:
    settle, calls = advancing.settle, []

    def settle_twice(*given: Any, **more: Any) -> bool:
        calls.append(given)
        assert settle(*given, **more)
        return settle(*given, **{name: value for name, value in more.items() if name != "also"})

    monkeypatch.setattr(advancing, "settle", settle_twice)

    job = performer.run(build(project, TWO, BOTH))

    assert len(calls) == 1
    assert_loaded_once(job)
