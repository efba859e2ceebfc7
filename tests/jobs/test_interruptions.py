"""R9, R12 with a worker of the test's own: terminating real processes, the database away, the exit record adopted."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from jobs import advancing, supervising, terminating
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Project, Token
from tests import builders, clusters
from tests.builders import task
from tests.clusters import wait_for
from tests.jobs.performing import Performer, build_python

pytestmark = pytest.mark.django_db(transaction=True)

FOREVER = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(60)"


@pytest.fixture
def performer(db: None, settings: Any) -> Iterator[Performer]:
    settings.GRACE_SECONDS = 0.5
    settings.LEASE_SECONDS = 20
    settings.HEARTBEAT_SECONDS = 0.2
    performer = Performer()
    yield performer
    performer.worker.nursery.close()


def terminate(job: Job) -> None:
    terminating.terminate(Job.objects.get(pk=job.pk), actor=builders.admin_of(job.project), now=timezone.now())


def wait_until_it_runs(job: Job) -> list[int]:
    def pids() -> list[int]:
        job.refresh_from_db()
        return clusters.marked(f"{job.pk}:{job.fence}") if job.fence else []

    return wait_for(pids, what="its process runs")


@pytest.mark.parametrize(
    "code",
    [FOREVER, "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOREVER],
    ids=["ends at SIGTERM", "ignores SIGTERM"],
)
def test_a_terminated_job_ends_its_process_and_nothing_survives(
    project: Project, performer: Performer, code: str
) -> None:
    job = builders.launch(build_python(project, "import subprocess\nsubprocess.Popen(['sleep', '300'])\n" + code))

    with performer.performing():
        wait_until_it_runs(job)
        terminate(job)

    job.refresh_from_db()
    assert job.status == JobStatus.TERMINATED
    assert clusters.marked(f"{job.pk}:{job.fence}") == []


def test_one_that_ends_well_at_sigterm_is_terminated_all_the_same(project: Project, performer: Performer) -> None:
    code = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n" + FOREVER
    job = builders.launch(build_python(project, code))

    with performer.performing():
        wait_until_it_runs(job)
        terminate(job)

    job.refresh_from_db()
    assert job.status == JobStatus.TERMINATED


def test_a_job_terminated_before_its_worker_begins_never_starts_its_program(
    project: Project, performer: Performer, tmp_path: Any
) -> None:
    witness = tmp_path / "witness"
    job = builders.launch(build_python(project, f"open({str(witness)!r}, 'w')"))
    claim = performer.claim()

    terminate(job)
    performer.perform(claim)

    job.refresh_from_db()
    assert job.status == JobStatus.TERMINATED
    assert not witness.exists()


def test_a_killed_supervisor_interrupts_its_job_and_leaves_nothing(project: Project, performer: Performer) -> None:
    job = builders.launch(build_python(project, FOREVER))

    with performer.performing():
        (pid,) = wait_until_it_runs(job)
        supervisor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(supervisor, signal.SIGKILL)

    job.refresh_from_db()
    assert job.status == JobStatus.ERROR
    assert "interrupted" in job.message
    assert clusters.marked(f"{job.pk}:{job.fence}") == []


def test_a_killed_nursery_lets_the_job_end_and_the_next_one_start(
    project: Project, performer: Performer, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    code = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\nprint('done')"
    configuration = build_python(project, code)
    job = builders.launch(configuration)

    with performer.performing():
        wait_until_it_runs(job)
        nursery = performer.worker.nursery._process
        assert nursery is not None
        os.kill(nursery.pid, signal.SIGKILL)
        go.touch()
    second = performer.run(build_python(project, "pass"))

    job.refresh_from_db()
    assert job.is_settled
    assert second.status == JobStatus.SUCCESS
    assert clusters.marked(f"{job.pk}:{job.fence}") == []


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only a server can be away")
@pytest.mark.postgres
@pytest.mark.slow
def test_a_job_outlives_connections_that_are_cut(project: Project, performer: Performer) -> None:
    job = builders.launch(
        build_python(project, "import time\nfor n in range(20): print(n, flush=True); time.sleep(0.1)")
    )

    with performer.performing() as thread:
        wait_until_it_runs(job)
        while thread.is_alive():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            time.sleep(0.15)

    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESS
    text = "".join(job.log_chunks.values_list("text", flat=True))
    assert [line.split("\t")[2] for line in text.splitlines()] == [str(n) for n in range(20)]


def test_a_database_that_is_locked_just_before_the_end_is_written_delays_it_and_loses_nothing(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    job = builders.launch(build_python(project, f"open({str(runs)!r}, 'a').write('x')"))
    following = builders.launch(build_python(project, "pass"))
    settle = advancing.settle
    locked: list[dict[str, Any]] = []

    def settle_later(*arguments: Any, **options: Any) -> bool:
        if len(locked) < 3:
            locked.append(options)
            raise OperationalError("database is locked")
        return settle(*arguments, **options)

    monkeypatch.setattr(supervising, "DATABASE_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(advancing, "settle", settle_later)
    performer.perform()

    for each in (job, following):
        each.refresh_from_db()
        assert (each.status, each.attempt) == (JobStatus.SUCCESS, 1)
    assert runs.read_text() == "x"
    assert len(locked) == 3


# --- The token (R18) ---------------------------------------------------------------------------


def run_with_token(project: Project, code: str = "pass") -> tuple[Job, Job]:
    """A run whose one job has been created, and that job."""
    run = builders.launch(builders.build_orchestration(project, [task(build_python(project, code))]))
    return run, run.children.get()


def test_a_run_uses_the_token_of_its_orchestration(project: Project) -> None:
    run, _ = run_with_token(project)

    assert run.configuration is not None
    run.refresh_from_db()
    assert run.configuration.own_tokens.get().last_used_at == run.started_at


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda own: own.delete(), "deleted"),
        (lambda own: own.update(expires_at=timezone.now()), "expired"),
        (lambda own: own.update(component_access=["another"]), "no access to the component"),
    ],
    ids=["deleted", "expired", "too narrow"],
)
@pytest.mark.parametrize("when", ["before the run", "before the job is created", "before it starts"])
def test_a_token_that_no_longer_serves_ends_the_job_in_error_with_a_sentence(
    project: Project, performer: Performer, tmp_path: Any, change: Any, sentence: str, when: str
) -> None:
    witness = tmp_path / "witness"
    first = build_python(project, "pass")
    second = build_python(project, f"open({str(witness)!r}, 'w')")
    orchestration = builders.build_orchestration(project, [task(first)], [task(second)])
    own = Token.objects.filter(orchestration=orchestration)

    if when == "before the run":
        change(own)
    run = builders.launch(orchestration)
    if when == "before the job is created":
        claim = performer.claim()
        change(own)
        builders.end(claim)
    if when == "before it starts":
        builders.end(performer.claim())
        claim = performer.claim()
        change(own)
        performer.perform(claim)
    run.refresh_from_db()
    assert run.status == JobStatus.ERROR
    assert sentence in run.message
    assert not witness.exists()
