"""That a chaos run can fail: each thing that must not happen, made to happen, is seen."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from jobs.models import Job, JobEvent
from jobs.states import JobStatus
from tests.chaos import checks_of_jobs, records, workload
from tests.chaos.records import Records, Stay
from tests.clusters import wait_for


def start(program: Path, seconds: str, behaviour: str, mark: str) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TUTTI_JOB_MARK": mark}
    environment |= {"KBC_COMPONENTID": "command", "KBC_CONFIGID": "7"}
    command = ["bash", str(program), seconds, behaviour, "0"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)


def kinds(folder: Path) -> list[str]:
    return [line.kind for line in records.read(folder / "records").lines]


def test_two_processes_of_one_configuration_see_each_other(tmp_path: Path) -> None:
    program = workload.write_process(tmp_path)
    first = start(program, "60", "plain", "1:a")
    wait_for(lambda: kinds(tmp_path) == ["S"])

    start(program, "0", "plain", "2:b").wait()

    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert kinds(tmp_path) == ["S", "OVERLAP", "S", "E"]


def test_what_a_process_left_behind_is_seen_by_the_next(tmp_path: Path) -> None:
    program = workload.write_process(tmp_path)
    first = start(program, "0", "child", "1:a")
    first.wait()

    start(program, "0", "plain", "2:b").wait()

    os.killpg(first.pid, signal.SIGKILL)
    assert kinds(tmp_path) == ["S", "E", "OVERLAP", "S", "E"]


def test_one_after_the_other_is_no_overlap(tmp_path: Path) -> None:
    program = workload.write_process(tmp_path)

    start(program, "0", "plain", "1:a").wait()
    start(program, "0", "plain", "2:b").wait()

    read = records.read(tmp_path / "records")
    assert [line.kind for line in read.lines] == ["S", "E", "S", "E"]
    assert records.overlaps(read.stays()) == []
    assert records.most_at_once(read.stays()) == 1


def test_stays_that_cross_are_an_overlap_of_their_configuration_alone() -> None:
    crossing = [Stay("c/1", 1, 0.0, 2.0), Stay("c/1", 2, 1.0, 3.0), Stay("c/2", 3, 1.5, 1.6)]

    assert len(records.overlaps(crossing)) == 1
    assert records.most_at_once(crossing) == 3


def test_an_attempt_without_an_end_is_a_start_only() -> None:
    assert Records([records.Line("S", 1, "a", "c/1", 5, 0.0)]).stays() == []


def story(*kinds: str, status: JobStatus, end: JobStatus = JobStatus.SUCCESS) -> str:
    """What is wrong with a job of this status that has these events."""
    events = [JobEvent(kind=f"job.{kind}", data={"status": end}) for kind in kinds]
    return checks_of_jobs.walk(Job(pk=1, status=status), events)


def test_stories_along_the_graph_are_accepted() -> None:
    assert not story("created", "claimed", "settled", status=JobStatus.SUCCESS)
    assert not story("created", "claimed", "given-back", "claimed", "settled", status=JobStatus.SUCCESS)
    assert not story("created", "claimed", "terminating", "settled", status=JobStatus.TERMINATED)
    assert not story("created", "settled", status=JobStatus.CANCELLED)


def test_stories_off_the_graph_are_not() -> None:
    assert story("created", "claimed", "claimed", "settled", status=JobStatus.SUCCESS)
    assert story("created", "claimed", "settled", "settled", status=JobStatus.SUCCESS)
    assert story("claimed", "settled", status=JobStatus.SUCCESS)
    assert story("created", "claimed", "settled", status=JobStatus.ERROR)
    assert story("created", "claimed", status=JobStatus.SUCCESS)
