"""What the engine does where it is seldom looked at: databases away at the wrong moment, many rows, broken ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from jobs import advancing, claiming, performing, preparing, pruning, supervising
from jobs.claiming import Claim
from jobs.models import Job
from jobs.processes.kernel import lease_clock
from jobs.states import JobStatus
from orchestrations.models import Project
from tests import builders
from tests.builders import task
from tests.jobs.performing import Performer

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_job_begun_after_the_database_was_away_long_has_its_whole_lease(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = [lease_clock() - 1000]
    begin, tries = claiming.begin, []

    def begin_at_second_try(claim: Claim, worker: str, **given: Any) -> bool:
        tries.append(claim)
        if len(tries) == 1:
            raise OperationalError("the database is away")
        return begin(claim, worker, **given)

    monkeypatch.setattr(performing, "lease_clock", lambda: moments.pop() if moments else lease_clock())
    monkeypatch.setattr(supervising, "DATABASE_RETRY_SECONDS", 0)
    monkeypatch.setattr(claiming, "begin", begin_at_second_try)
    performer = Performer()

    job = performer.run(builders.build_configuration(project))

    performer.worker.nursery.close()
    assert len(tries) == 2
    assert (job.status, job.message) == (JobStatus.SUCCESS, "")


def test_a_machine_without_room_gives_the_job_back_and_rests(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    performer = Performer()
    prepare = preparing.prepare
    rests: list[performing.Worker] = []

    def prepare_at_second_try(*args: Any, **given: Any) -> Any:
        if not rests:
            raise OSError(28, "No space left on device")
        return prepare(*args, **given)

    def rest(worker: performing.Worker) -> None:
        rests.append(worker)

    monkeypatch.setattr(performing, "prepare", prepare_at_second_try)
    monkeypatch.setattr(performing.Worker, "_rest", rest)

    job = performer.run(builders.build_configuration(project))

    performer.worker.nursery.close()
    assert len(rests) == 1
    assert (job.status, job.attempt) == (JobStatus.SUCCESS, 2)
    assert job.events.filter(kind="job.interrupted").count() == 1


def test_a_job_whose_lease_ran_out_before_its_program_started_is_given_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = [lease_clock() - 1000]
    monkeypatch.setattr(performing, "lease_clock", lambda: moments.pop() if moments else lease_clock())
    performer = Performer()

    job = performer.run(builders.build_configuration(project))

    performer.worker.nursery.close()
    assert (job.status, job.attempt) == (JobStatus.SUCCESS, 2)


def test_a_phase_may_have_more_tasks_than_one_statement_takes(project: Project, settings: Any) -> None:
    settings.TASKS_LIMIT = 1000
    configuration = builders.build_configuration(project)
    tasks = [task(configuration, key=str(number)) for number in range(1000)]

    run = builders.launch(builders.build_orchestration(project, tasks))

    assert list(run.children.order_by("pk").values_list("task_key", flat=True)) == [str(each) for each in range(1000)]


def test_a_run_that_cannot_be_started_holds_up_no_other(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    start = advancing.start
    step = builders.build_configuration(project)
    orchestrations = [builders.build_orchestration(project, [task(step)]) for _ in range(2)]
    with monkeypatch.context() as patched:
        patched.setattr(advancing, "start", lambda run_id, *, now: False)
        bad, good = [builders.launch(each) for each in orchestrations]

    def start_all_but_one(run_id: int, **given: Any) -> bool:
        if run_id == bad.pk:
            raise RuntimeError("broken row")
        return start(run_id, **given)

    monkeypatch.setattr(advancing, "start", start_all_but_one)

    assert advancing.start_waiting_runs(now=timezone.now()) == 1

    assert Job.objects.get(pk=good.pk).status == JobStatus.PROCESSING


def test_a_folder_that_goes_while_it_is_looked_at_hinders_no_pruning(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    left = tmp_path / "jobs" / "1-left"
    left.mkdir(parents=True)
    gone = tmp_path / "jobs" / "2-gone"
    monkeypatch.setattr(pruning, "KEEP_FOLDERS_SECONDS", -10)
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter([gone, left]))

    assert pruning.prune_folders(now=timezone.now()) == 1

    assert not left.exists()
