"""R9, R12, R18: whatever is cut off while tables are brought in and out, nothing stays half-imported (DESIGN §6)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs import advancing, terminating
from jobs.carrying import course, intents
from jobs.models import Job, TableImport, TableUpdate
from jobs.states import JobStatus
from jobs.supervising import Drain
from orchestrations import tables
from orchestrations.models import Configuration, Project, Table, Token, User
from tests import builders, clusters
from tests.builders import task
from tests.clusters import wait_for
from tests.jobs.carrying.world import (
    BOTH,
    TWO,
    assert_loaded_once,
    build,
    declared,
    die,
    rescue,
    rows_of,
    seed,
    writing,
)
from tests.jobs.performing import Performer
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def storage(settings: Any) -> Path:
    folder = Path(settings.DATA_DIR) / "storage"
    folder.mkdir(parents=True)
    return folder


@contextmanager
def stopped_at(storage: Path, performer: Performer, verb: str, place: str) -> Iterator[Job]:
    """A job performed in a thread, while its program of tables hangs there; it goes on with the end of the body."""
    (storage / "fault").write_text(f"{verb}:{place}:hang")
    claim = performer.claim()
    with performer.performing(claim):
        try:
            wait_for((storage / "there").exists, what="the program hangs")
            yield Job.objects.get(pk=claim.job_id)
        finally:
            (storage / "fault").unlink(missing_ok=True)


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


# --- Terminating -------------------------------------------------------------------------------


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


# --- The world changes meanwhile ---------------------------------------------------------------


def test_a_token_that_was_narrowed_meanwhile_loads_nothing(
    project: Project, performer: Performer, storage: Path
) -> None:
    waits = (
        f"import os, time\nopen({str(storage / 'runs')!r}, 'w')\n"
        f"while not os.path.exists({str(storage / 'go')!r}): time.sleep(0.02)\n"
    )
    run = builders.launch(builders.build_orchestration(project, [task(build(project, waits + TWO, BOTH))]))
    job = run.children.get()
    with performer.performing():
        wait_for((storage / "runs").exists, what="the component runs")
        Token.objects.filter(pk=run.token_id).update(bucket_permissions={"out.c-results": "read"})
        (storage / "go").touch()

    job.refresh_from_db()
    assert job.status == JobStatus.ERROR
    assert "needs write access to out.c-results" in job.message
    assert not TableImport.objects.exists()


def test_a_token_that_may_not_touch_a_bucket_keeps_the_component_from_running(
    project: Project, performer: Performer, tmp_path: Path
) -> None:
    ran = build(project, f"open({str(tmp_path / 'ran')!r}, 'w')\n" + TWO, BOTH)
    run = builders.launch(builders.build_orchestration(project, [task(ran)]))
    Token.objects.filter(pk=run.token_id).update(bucket_permissions={"out.c-results": "read"})

    performer.perform()

    job = run.children.get()
    assert job.status == JobStatus.ERROR and "needs write access to out.c-results" in job.message
    assert not (tmp_path / "ran").exists()


def test_a_table_that_is_deleted_meanwhile_is_made_anew(project: Project, performer: Performer, storage: Path) -> None:
    old = seed(project, "id\n7\n")
    builders.launch(build(project, writing("id\n1\n"), declared(incremental=True)))

    with stopped_at(storage, performer, "stage", "after") as job:
        tables.delete(old, actor=builders.admin_of(project), now=timezone.now())

    job.refresh_from_db()
    assert (job.status, rows_of()) == (JobStatus.SUCCESS, [{"id": "1"}])
    table = Table.objects.get()
    assert table.pk != old.pk and table.location != old.location and table.revision == 1


def test_a_plan_that_does_not_fit_any_more_fails_the_job_and_is_told_once(
    project: Project, performer: Performer, storage: Path
) -> None:
    seed(project, "id\n7\n")
    builders.launch(build(project, TWO, BOTH))

    with stopped_at(storage, performer, "commit", "before") as job:
        table = Table.objects.get(name="more")
        (storage / table.location / "refuses").touch()

    job.refresh_from_db()
    assert (job.status, job.message) == (
        JobStatus.ERROR,
        "Table out.c-results.more: its columns do not fit any more.",
    )
    assert rows_of() == [{"id": "1"}] and TableUpdate.objects.get().table.name == "orders"
    assert list(Table.objects.values_list("name", flat=True)) == ["orders"]
    assert not TableImport.objects.filter(committed_at=None).exists()


# --- Two writers -------------------------------------------------------------------------------


def test_two_jobs_that_write_the_same_tables_lose_nothing_and_never_wait_for_each_other_for_ever(
    project: Project, performer: Performer
) -> None:
    names = ["a", "b"]

    def build_writer(number: int) -> Configuration:
        # One names the tables in this order, one in the other.
        order = names if number % 2 else names[::-1]
        storage = {
            "output": {
                "tables": [
                    {"source": f"{name}.csv", "destination": f"out.c-x.{name}", "incremental": True} for name in order
                ]
            }
        }
        return build(project, "".join(writing(f"id\n{number}\n", f"{name}.csv") for name in names), storage)

    others = [Performer() for _ in range(3)]
    jobs = [builders.launch(build_writer(number)) for number in range(1, 5)]
    claims = [performer.claim() for _ in jobs]
    results = race(
        *[partial(worker.perform, claim) for worker, claim in zip([performer, *others], claims, strict=True)]
    )
    for worker in others:
        worker.worker.nursery.close()

    assert not unexpected(results)
    assert {Job.objects.get(pk=job.pk).status for job in jobs} == {JobStatus.SUCCESS}
    for name in names:
        assert sorted(row["id"] for row in rows_of(f"out.c-x.{name}")) == ["1", "2", "3", "4"]
        table = Table.objects.get(name=name)
        assert (table.revision, table.rows) == (4, 4)
        assert sorted(table.updates.values_list("revision", flat=True)) == [1, 2, 3, 4]


def test_a_writer_carries_out_what_a_dead_one_has_decided_before_it(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "PATIENCE_SECONDS", 0)
    storage = declared(incremental=True)
    first = builders.launch(build(project, writing("id\n1\n"), storage))
    with monkeypatch.context() as patched:
        patched.setattr(course.Course, "_carry_out", die)
        with pytest.raises(SystemExit):
            performer.perform()

    second = performer.run(build(project, writing("id\n2\n"), storage))

    assert second.status == JobStatus.SUCCESS
    assert rows_of() == [{"id": "1"}, {"id": "2"}]
    Job.objects.filter(pk=first.pk).update(worker="1:1:gone")
    wait_for(lambda: rescue(performer) and Job.objects.get(pk=first.pk).is_settled, what="the first has its end")
    assert Job.objects.get(pk=first.pk).status == JobStatus.SUCCESS
    assert list(TableUpdate.objects.order_by("revision").values_list("job", "revision")) == [
        (first.pk, 1),
        (second.pk, 2),
    ]


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
