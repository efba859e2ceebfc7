"""``manage.py run``: what it starts, for whom, and what its exit code says."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from django.db import OperationalError, connection
from django.utils import timezone

from jobs import following, terminating
from jobs.following import Progress
from jobs.management import progress_line
from jobs.management.progress_line import ProgressLine
from jobs.models import Cause, Job
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import NOW, PASSWORD, task
from tests.clusters import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root@example.org", PASSWORD, name="Root")


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    extract = builders.build_configuration(project, name="Extract")
    load = builders.build_configuration(project, name="Load")
    return builders.build_orchestration(
        project, [task(extract, key="first")], [task(load, key="second")], name="Nightly"
    )


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a look that failed the next one comes at once."""
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.05)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_prints_the_id_of_the_job_alone(root: User, orchestration: Configuration) -> None:
    printed = run("Nightly")

    job = Job.objects.get(component_id="keboola.orchestrator")
    assert printed == f"{job.pk}\n"
    assert (job.status, job.created_by, job.cause) == (JobStatus.PROCESSING, root, Cause.PERSON)


def test_an_orchestration_is_found_by_its_id_before_its_name(
    root: User, orchestration: Configuration, project: Project
) -> None:
    namesake = builders.build_orchestration(
        project, [task(builders.build_configuration(project))], name=orchestration.key
    )

    job = Job.objects.get(pk=int(run(orchestration.key)))

    assert job.configuration == orchestration != namesake


def test_tasks_are_chosen_by_id_or_name(root: User, orchestration: Configuration) -> None:
    assert Job.objects.get(pk=int(run("Nightly", "--only", "second"))).only_task_keys == ["second"]
    assert Job.objects.get(pk=int(run("Nightly", "--only", "Extract", "first"))).only_task_keys == ["first"]


def test_the_person_may_be_named(alice: User, orchestration: Configuration) -> None:
    job = Job.objects.get(pk=int(run("Nightly", "--user", "Alice@example.org")))

    assert job.created_by == alice


def test_it_is_refused_with_a_sentence(root: User, orchestration: Configuration, project: Project, bob: User) -> None:
    other = builders.build_project(root, "Other")
    builders.build_orchestration(other, [task(builders.build_configuration(other))], name="Nightly")

    assert refusal("Nothing") == "There is no orchestration 'Nothing'."
    assert refusal("Nightly", "--project", "99") == "There is no orchestration 'Nightly' in project 99."
    assert f"{orchestration.key} in project {project.pk} (Analytics)" in refusal("Nightly")
    assert refusal(orchestration.key, "--only", "third").startswith("There is no task 'third'; there are Extract, Load")
    assert refusal(orchestration.key, "--user", "who@example.org") == "There is no person who@example.org."
    assert "needs the role operator" in refusal(orchestration.key, "--user", bob.email)
    editing.trash(orchestration, actor=builders.admin_of(project), now=NOW)
    assert "There is no orchestration" in refusal(orchestration.key)
    assert not Job.objects.exists()


def test_two_tasks_of_one_name_must_be_told_apart(root: User, project: Project) -> None:
    configuration = builders.build_configuration(project, name="Twice")
    builders.build_orchestration(
        project, [task(configuration, key="a")], [task(configuration, key="b")], name="Nightly"
    )

    assert refusal("Nightly", "--only", "Twice") == "Several tasks are called 'Twice': a, b. Give the id."


def test_a_disabled_orchestration_is_refused(root: User, orchestration: Configuration, project: Project) -> None:
    editing.set_enabled(orchestration, False, actor=builders.admin_of(project), now=NOW)

    assert "is disabled" in refusal("Nightly")


def test_without_a_single_administrator_the_person_must_be_named(orchestration: Configuration) -> None:
    assert refusal("Nightly") == "There is no administrator: say with --user who starts the run."

    for name in ("one", "two"):
        User.objects.create_superuser(f"{name}@example.org", PASSWORD, name=name)
    assert "There are several administrators" in refusal("Nightly")


@pytest.mark.parametrize(
    ("end", "code"),
    [(JobStatus.SUCCESS, 0), (JobStatus.ERROR, 1), (JobStatus.WARNING, 3), (JobStatus.TERMINATED, 4)],
)
def test_the_exit_code_says_how_the_run_ended(end: JobStatus, code: int, root: User, project: Project) -> None:
    extract = builders.build_configuration(project, name="Extract")
    extracting = {**task(extract), "continueOnFailure": end == JobStatus.WARNING}
    builders.build_orchestration(project, [extracting], name="Nightly")

    with meanwhile(lambda: bring_to(end, project)):
        output, given = wait_for_end("Nightly")

    assert given == code
    assert output.splitlines()[-1].startswith(f"Job {Job.objects.roots().get().pk} Nightly: {end.label.lower()}")


def test_a_run_that_is_cancelled_while_it_waits_ends_with_4(
    root: User, orchestration: Configuration, project: Project
) -> None:
    first = builders.launch(orchestration)
    assert first.status == JobStatus.PROCESSING

    def cancel() -> None:
        wait_for(lambda: Job.objects.roots().waiting().exists())
        second = Job.objects.roots().waiting().get()
        terminating.terminate(second, actor=builders.admin_of(project), now=timezone.now())

    with meanwhile(cancel):
        _, code = wait_for_end("Nightly")

    assert code == 4


def test_a_run_that_waits_says_why(orchestration: Configuration) -> None:
    first, second = builders.launch(orchestration), builders.launch(orchestration)

    words = progress_line.words_of(following.look(second.pk, timezone.now()))

    assert words.startswith(f"Job {second.pk} Nightly · waiting · Job {first.pk} of the same orchestration is")


def test_anywhere_but_on_a_terminal_every_change_is_a_line(root: User, project: Project) -> None:
    extract = builders.build_configuration(project, name="Extract")
    builders.build_orchestration(project, [task(extract)], [task(extract)], name="Nightly")

    told = io.StringIO()

    def go_on() -> None:
        wait_for(lambda: "processing · phase 1 of 2 · 0 of 2 tasks done\n" in told.getvalue(), what="the first line")
        bring_to(JobStatus.SUCCESS, project)

    with meanwhile(go_on):
        output, _ = wait_for_end("Nightly", into=told)

    assert "\r" not in output and "\x1b" not in output
    assert "success · phase 2 of 2 · 2 of 2 tasks done\n" in output


def test_on_a_terminal_one_line_is_rewritten_without_escape_codes() -> None:
    terminal = Terminal()
    line = ProgressLine(OutputWrapper(terminal))
    progress = Progress(job_id=7, name="Nightly", status=JobStatus.PROCESSING, phase=1, phases=2, tasks=2)

    line.show(progress, NOW)
    line.show(None, NOW)
    line.close("Done.")

    drawn = terminal.getvalue()
    assert "\x1b" not in drawn
    assert drawn.startswith("\rJob 7 Nightly · processing · phase 1 of 2 · 0 of 2 tasks done")
    assert progress_line.AWAY[:40] in drawn
    assert drawn.rpartition("\r")[2] == "Done.\n"
    assert drawn.count("\n") == 1


def test_ctrl_c_leaves_the_run_going_and_says_so(
    root: User, orchestration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(job_id: int, clock: Any) -> Iterator[Progress]:
        yield following.look(job_id, timezone.now())
        raise KeyboardInterrupt

    monkeypatch.setattr(following, "follow", interrupted)

    output, code = wait_for_end("Nightly")

    job = Job.objects.roots().get()
    assert (code, job.status) == (130, JobStatus.PROCESSING)
    assert output.splitlines()[-1] == f"Job {job.pk} goes on running; only the waiting was stopped."


def test_waiting_outlives_a_database_that_is_away(
    orchestration: Configuration, monkeypatch: pytest.MonkeyPatch, no_pause: None
) -> None:
    job = builders.launch(orchestration)
    answers = iter([OperationalError("the connection was closed"), OperationalError("connection refused")])
    look = following.look

    def sometimes(job_id: int, now: Any) -> Progress:
        failure = next(answers, None)
        if failure is not None:
            raise failure
        return look(job_id, now)

    monkeypatch.setattr(following, "look", sometimes)
    watching = following.follow(job.pk, timezone.now)
    assert [next(watching), next(watching)] == [None, None]
    known = next(watching)
    assert known is not None and known.status == JobStatus.PROCESSING


def test_what_is_followed_is_told_by_a_wake_up_and_not_by_the_clock(
    orchestration: Configuration, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 3600.0)
    job = builders.launch(orchestration)
    seen: list[JobStatus] = []

    with meanwhile(lambda: bring_to(JobStatus.SUCCESS, project)):
        seen += [progress.status for progress in following.follow(job.pk, timezone.now) if progress is not None]

    assert seen[-1] == JobStatus.SUCCESS


def run(*words: str) -> str:
    output = io.StringIO()
    call_command("run", *words, stdout=output)
    return output.getvalue()


def refusal(*words: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*words)
    assert error.value.returncode == 2
    return str(error.value)


def wait_for_end(*words: str, into: io.StringIO | None = None) -> tuple[str, int]:
    output = into or io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("run", *words, "--wait", stdout=output)
    assert isinstance(ended.value.code, int)
    return output.getvalue(), ended.value.code


class meanwhile:
    """Something that happens in another thread while this one waits."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work = work
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._work)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *error: object) -> None:
        self.thread.join(30)
        assert self.failure is None, self.failure

    def _work(self) -> None:
        try:
            self.work()
        except BaseException as failure:
            self.failure = failure
        finally:
            connection.close()


def bring_to(end: JobStatus, project: Project) -> None:
    """Let the only run end like this."""
    cluster = builders.build_cluster()
    wait_for(lambda: Job.objects.roots().filter(status=JobStatus.PROCESSING).exists())
    run = Job.objects.roots().get()
    if end == JobStatus.TERMINATED:
        terminating.terminate(run, actor=builders.admin_of(project), now=timezone.now())
        return
    outcome = JobStatus.SUCCESS if end == JobStatus.SUCCESS else JobStatus.ERROR
    builders.drain(cluster, dict.fromkeys(("Extract", "Load"), outcome))
