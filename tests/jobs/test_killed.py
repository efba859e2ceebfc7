"""R12: whatever process of a cluster is killed, every job settles, none runs twice at once, and nothing survives."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs import terminating
from jobs.models import Cluster, Job
from jobs.states import JobStatus
from orchestrations.components import catalogue
from orchestrations.models import Configuration, Project
from tests import builders, clusters
from tests.builders import task
from tests.clusters import RunningCluster, wait_for
from tests.jobs.performing import build_python, python

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Start = Callable[..., RunningCluster]


@pytest.fixture
def again(project: Project, settings: Any, tmp_path: Path) -> Callable[[str], Configuration]:
    """Builds configurations of a component that is safe to run again; the argument is its Python code."""
    folder = tmp_path / "components" / "again"
    folder.mkdir(parents=True)
    declaration = {
        "id": "test.again",
        "name": "Again",
        "kind": "application",
        "takes_process_from_parameters": True,
        "safe_to_run_again": True,
    }
    (folder / "component.json").write_text(json.dumps(declaration))
    settings.COMPONENTS_DIR = tmp_path / "components"
    catalogue.reload()

    def build(code: str) -> Configuration:
        document = {"parameters": {"command": python(code)}}
        return builders.build_configuration(project, component_id="test.again", document=document)

    return build


def counting(tmp_path: Path, then: str) -> str:
    """Code that writes a line at each start and end; two starts without an end between them would be an overlap."""
    return (
        "import os, time\n"
        f"log = open({str(tmp_path / 'starts')!r}, 'a')\n"
        "def note(word): log.write(f'{word} {os.getpid()}\\n'); log.flush()\n"
        "note('start')\n"
        f"starts = open({str(tmp_path / 'starts')!r}).read().count('start')\n"
        f"{then}\n"
        "note('end')\n"
    )


def starts(tmp_path: Path) -> int:
    file = tmp_path / "starts"
    return file.read_text().count("start") if file.exists() else 0


def counted(job: Job, tmp_path: Path) -> None:
    """Until the first start is written: a process can be seen well before its code runs."""
    running(job)
    wait_for(lambda: starts(tmp_path) == 1, what="start 1")


def settled(job: Job, seconds: float = 40) -> Job:
    def found() -> Any:
        row: Job = Job.objects.get(pk=job.pk)
        return row if row.is_settled else None

    return wait_for(found, seconds, what=f"job {job.pk} has settled")


def running(job: Job) -> list[int]:
    def pids() -> list[int]:
        job.refresh_from_db()
        return clusters.marked(f"{job.pk}:{job.fence}") if job.fence else []

    return wait_for(pids, what=f"the process of job {job.pk} runs")


def check_that_it_works(project: Project) -> None:
    run = builders.launch(builders.build_orchestration(project, [task(builders.build_configuration(project))]))
    assert settled(run).status == JobStatus.SUCCESS


def test_a_busy_worker_killed_interrupts_a_job_that_is_not_safe_to_run_again(
    project: Project, start_cluster: Start, tmp_path: Path
) -> None:
    cluster = start_cluster()
    job = builders.launch(build_python(project, counting(tmp_path, "time.sleep(60)")))
    counted(job, tmp_path)

    os.kill(cluster.worker_of(job.worker), signal.SIGKILL)

    ended = settled(job)
    assert (ended.status, ended.attempt) == (JobStatus.ERROR, 1)
    assert "interrupted" in ended.message
    assert starts(tmp_path) == 1
    assert clusters.marked(f"{job.pk}:{job.fence}") == []
    check_that_it_works(project)


def test_a_job_that_is_safe_runs_again_and_succeeds(
    again: Callable[[str], Configuration], start_cluster: Start, tmp_path: Path
) -> None:
    configuration = again(counting(tmp_path, "time.sleep(60 if starts == 1 else 0)"))
    cluster = start_cluster()
    job = builders.launch(configuration)
    counted(job, tmp_path)

    os.kill(cluster.worker_of(job.worker), signal.SIGKILL)

    ended = settled(job)
    assert (ended.status, ended.attempt) == (JobStatus.SUCCESS, 2)
    assert starts(tmp_path) == 2
    assert ended.events.filter(kind="job.interrupted").count() == 1


def test_a_job_is_tried_three_times_at_most(
    again: Callable[[str], Configuration], start_cluster: Start, tmp_path: Path
) -> None:
    configuration = again(counting(tmp_path, "time.sleep(60)"))
    cluster = start_cluster()
    job = builders.launch(configuration)

    for number in (1, 2, 3):
        wait_for(lambda number=number: starts(tmp_path) == number, what=f"start {number}")
        job.refresh_from_db()
        os.kill(cluster.worker_of(job.worker), signal.SIGKILL)

    ended = settled(job)
    assert (ended.status, ended.attempt) == (JobStatus.ERROR, 3)
    assert "attempt 3" in ended.message
    assert starts(tmp_path) == 3


@pytest.mark.parametrize("role", ["main", "sentinel", "pusher", "monitor", "nursery", "supervisor"])
def test_whichever_part_is_killed_every_job_settles_and_the_cluster_works_on(
    project: Project, again: Callable[[str], Configuration], start_cluster: Start, tmp_path: Path, role: str
) -> None:
    long = again(counting(tmp_path, "time.sleep(2)"))
    # Safe to run again too: whichever runs when the part is killed may be interrupted.
    quick = [again("pass") for _ in range(4)]
    orchestration = builders.build_orchestration(
        project, [task(long), *[task(each) for each in quick]], [task(again("pass"))]
    )
    cluster = start_cluster()
    run = builders.launch(orchestration)
    job = run.children.get(configuration=long)
    running(job)

    cluster.kill(role)
    if role == "main":
        start_cluster()

    assert settled(run).status == JobStatus.SUCCESS
    assert not Job.objects.unsettled().exists()
    events = (tmp_path / "starts").read_text().splitlines()
    assert events[-1].startswith("end")
    assert clusters.marked(f"{job.pk}:{job.fence}") == []
    check_that_it_works(project)


def test_a_frozen_pusher_is_replaced_and_no_job_is_interrupted(
    project: Project, start_cluster: Start, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    cluster = start_cluster(WATCHDOG_SECONDS=5)
    job = builders.launch(
        build_python(project, f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)")
    )
    running(job)

    frozen = cluster.kill("pusher", signal.SIGSTOP)
    wait_for(lambda: cluster.pids("pusher") not in ([], [frozen]), what="another pusher")
    check_that_it_works(project)
    go.touch()

    ended = settled(job)
    assert (ended.status, ended.attempt) == (JobStatus.SUCCESS, 1)


def test_a_cluster_whose_sentinel_is_frozen_starts_anew_and_its_job_settles(
    again: Callable[[str], Configuration], project: Project, start_cluster: Start, tmp_path: Path
) -> None:
    """The watchdog of the main process: nothing of django-q2's own would notice."""
    cluster = start_cluster(LEASE_SECONDS=10, WATCHDOG_SECONDS=5)
    job = builders.launch(again(counting(tmp_path, "time.sleep(60 if starts == 1 else 0)")))
    counted(job, tmp_path)

    frozen = cluster.kill("sentinel", signal.SIGSTOP)

    wait_for(lambda: cluster.pids("sentinel") not in ([], [frozen]), what="another sentinel")
    assert settled(job).status == JobStatus.SUCCESS
    assert starts(tmp_path) == 2
    check_that_it_works(project)


def test_an_idle_worker_killed_is_replaced(project: Project, start_cluster: Start) -> None:
    cluster = start_cluster(WORKERS=1)
    check_that_it_works(project)

    cluster.kill("worker")

    check_that_it_works(project)


def test_a_killed_cluster_leaves_no_process(project: Project, start_cluster: Start) -> None:
    code = "import subprocess, time\nsubprocess.Popen(['sleep', '300'], start_new_session=True)\ntime.sleep(60)"
    cluster = start_cluster()
    job = builders.launch(build_python(project, code))
    running(job)
    cluster.tree()

    cluster.kill("main")

    wait_for(lambda: not cluster.survivors(), what="everything of the cluster has gone")
    assert clusters.marked(f"{job.pk}:{job.fence}") == []


def test_a_worker_frozen_longer_than_its_lease_loses_its_job_and_does_no_harm_when_it_wakes(
    again: Callable[[str], Configuration], start_cluster: Start, tmp_path: Path
) -> None:
    configuration = again(counting(tmp_path, "time.sleep(60 if starts == 1 else 0)"))
    cluster = start_cluster(LEASE_SECONDS=6)
    job = builders.launch(configuration)
    counted(job, tmp_path)
    worker = cluster.worker_of(job.worker)

    os.kill(worker, signal.SIGSTOP)
    ended = settled(job)
    os.kill(worker, signal.SIGCONT)
    second = settled(builders.launch(again("pass")))

    assert (ended.status, ended.attempt) == (JobStatus.SUCCESS, 2)
    assert starts(tmp_path) == 2
    assert second.status == JobStatus.SUCCESS
    assert Job.objects.get(pk=job.pk).status == JobStatus.SUCCESS
    assert job.events.filter(kind="job.settled").count() == 1


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_process_that_has_ended_is_adopted_and_not_run_again(
    again: Callable[[str], Configuration],
    start_cluster: Start,
    tmp_path: Path,
    settings: Any,
    number: signal.Signals,
) -> None:
    """The worker cannot write the end, but the exit record is there."""
    go = tmp_path / "go"
    code = counting(tmp_path, f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\nprint('done')")
    configuration = again(code)
    cluster = start_cluster(LEASE_SECONDS=8)
    job = builders.launch(configuration)
    running(job)
    worker = cluster.worker_of(job.worker)

    os.kill(worker, signal.SIGSTOP)
    go.touch()
    wait_for(lambda: list(Path(settings.DATA_DIR).glob(f"jobs/{job.pk}-*/exit-*.json")), what="the exit record")
    if number == signal.SIGKILL:
        os.kill(worker, signal.SIGKILL)
    ended = settled(job)
    if number == signal.SIGSTOP:
        os.kill(worker, signal.SIGCONT)

    assert (ended.status, ended.attempt) == (JobStatus.SUCCESS, 1)
    assert starts(tmp_path) == 1
    assert "done" in "".join(ended.log_chunks.values_list("text", flat=True))


def test_interrupted_while_terminating_is_terminated(project: Project, start_cluster: Start) -> None:
    code = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(60)"
    cluster = start_cluster(GRACE_SECONDS=20)
    job = builders.launch(build_python(project, code))
    running(job)

    terminating.terminate(job, actor=builders.admin_of(project), now=timezone.now())
    os.kill(cluster.worker_of(job.worker), signal.SIGKILL)

    assert settled(job).status == JobStatus.TERMINATED


def test_at_sigterm_a_cluster_claims_no_more_and_waits_for_its_jobs(project: Project, start_cluster: Start) -> None:
    cluster = start_cluster(STOP_SECONDS=20)
    job = builders.launch(build_python(project, "import time; time.sleep(2)"))
    running(job)

    cluster.terminate()
    wait_for(lambda: not cluster.idle_workers([job.worker]), what="the idle worker has left")
    later = builders.launch(builders.build_configuration(project))
    code = cluster.process.wait(30)

    assert code == 0
    assert Job.objects.get(pk=job.pk).status == JobStatus.SUCCESS
    later.refresh_from_db()
    assert later.status == JobStatus.WAITING
    assert not Job.objects.active().exists()
    wait_for(lambda: not cluster.survivors(), seconds=5, what="nothing of the cluster lives")


def test_jobs_that_outlast_the_time_to_stop_are_interrupted(
    project: Project, again: Callable[[str], Configuration], start_cluster: Start
) -> None:
    cluster = start_cluster(STOP_SECONDS=1)
    forever = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(60)"
    job, safe = builders.launch(build_python(project, forever)), builders.launch(again(forever))
    running(job)
    running(safe)

    code = cluster.stop()

    job.refresh_from_db()
    safe.refresh_from_db()
    assert code == 0
    assert job.status == JobStatus.ERROR
    assert "interrupted" in job.message
    assert safe.status == JobStatus.WAITING
    wait_for(lambda: not cluster.survivors(), seconds=5, what="nothing of the cluster lives")


def test_two_clusters_share_the_work_and_the_one_left_brings_back_what_the_other_held(
    again: Callable[[str], Configuration], start_cluster: Start
) -> None:
    first, second = start_cluster(WORKERS=1), start_cluster(WORKERS=1)
    jobs = [builders.launch(again("import time; time.sleep(3)")) for _ in range(2)]
    for job in jobs:
        running(job)
    owners = {job.owner for job in jobs}

    first.kill("main")

    assert [settled(job).status for job in jobs] == [JobStatus.SUCCESS] * 2
    assert len(owners) == 2
    assert Cluster.objects.count() == 2
    assert second.process.poll() is None
