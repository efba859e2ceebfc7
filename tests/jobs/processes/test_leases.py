"""A component never runs on below a worker that is dead or frozen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from jobs.processes import kernel
from jobs.processes.client import Nursery
from jobs.processes.protocol import ExitRecord, Started, is_supervised, read_exit_record
from tests.jobs.processes.conftest import Launch
from tests.jobs.processes.support import (
    FAMILY_SIZE,
    build_spec,
    end_of,
    living,
    noted_pids,
    python,
    wait_for,
    wait_until,
)

# A worker: it launches one component, renews its lease as fast as it can, and has a child of its own.
WORKER = """
import os, pathlib, sys, time
sys.path.insert(0, sys.argv[1])
from jobs.processes.client import Nursery
from tests.jobs.processes.support import FAMILY, build_spec, python
folder, lease_seconds = pathlib.Path(sys.argv[2]), float(sys.argv[3])
spec = build_spec(folder, python(FAMILY + "stay()"), grace_seconds=0.1, lease_seconds=lease_seconds)
process = Nursery().launch(spec)
if os.fork() == 0:
    time.sleep(600)
    os._exit(0)
while True:
    process.renew()
    time.sleep(0.05)
"""


def start_worker(folder: Path, lease_seconds: float) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).parents[3])
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, root, str(folder), str(lease_seconds)], start_new_session=True
    )
    wait_until(lambda: len(noted_pids(folder)) == FAMILY_SIZE)
    assert len(living(noted_pids(folder))) == FAMILY_SIZE
    return worker


def end_worker(worker: subprocess.Popen[bytes]) -> None:
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def only_record(folder: Path) -> ExitRecord | None:
    paths = list(folder.glob("exit-*.json"))
    return read_exit_record(folder, paths[0].stem.removeprefix("exit-")) if paths else None


def test_nothing_survives_a_killed_worker_even_if_its_fork_lives(folder: Path) -> None:
    worker = start_worker(folder, lease_seconds=3600.0)  # so that it is not the lease that ends it

    worker.kill()

    wait_until(lambda: not is_supervised(folder))
    assert living(noted_pids(folder)) == []
    record = only_record(folder)
    assert record is not None
    assert record.stopped_by_us == "lease"
    end_worker(worker)


def test_nothing_runs_on_below_a_frozen_worker(folder: Path) -> None:
    worker = start_worker(folder, lease_seconds=3.0)

    worker.send_signal(signal.SIGSTOP)

    wait_until(lambda: only_record(folder))
    record = only_record(folder)
    assert record is not None
    assert record.stopped_by_us == "lease"
    assert living(noted_pids(folder)) == []
    end_worker(worker)


def test_renewals_keep_it_alive_past_its_lease(launch: Launch, folder: Path) -> None:
    process = launch(["sleep", "600"], lease_seconds=3.0)
    pid = wait_for(process, Started).pid
    until = kernel.lease_clock() + 2.5

    while kernel.lease_clock() < until:
        process.renew()

    assert living([pid]) == [pid]


def test_a_renewal_counts_from_the_time_it_was_begun(launch: Launch) -> None:
    """The worker was frozen between its database and us: its lease has run out meanwhile."""
    process = launch(["sleep", "600"], lease_seconds=1.0)
    wait_for(process, Started)
    long_ago = kernel.lease_clock() - 3600

    while not (messages := process.receive()):
        process.renew(as_of=long_ago)

    assert messages[-1].record.stopped_by_us == "lease"  # type: ignore[union-attr]


def test_a_lease_that_ran_out_before_the_start_prevents_it(launch: Launch, folder: Path) -> None:
    process = launch(["touch", "ran"], leased_at=kernel.lease_clock() - 3600)

    record = end_of(process)

    assert (record.code, record.stopped_by_us) == (None, "lease")
    assert not (folder / "data" / "ran").exists()


def test_the_grace_of_a_lost_lease_is_shorter_than_the_lease(launch: Launch) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(600)"
    process = launch(python(code), lease_seconds=1.0, grace_seconds=3600.0)

    record = end_of(process)

    assert (record.code, record.stopped_by_us) == (-signal.SIGKILL, "lease")


def test_a_fork_of_the_worker_starts_a_nursery_of_its_own(nursery: Nursery, launch: Launch, tmp_path: Path) -> None:
    end_of(launch(["true"]))
    answer = tmp_path / "answer"

    child = os.fork()
    if child == 0:
        try:
            process = nursery.launch(build_spec(tmp_path / "forked", ["echo", "from the fork"]))
            answer.write_text(f"{nursery.pid} {end_of(process).stdout_tail}")
            nursery.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    pid, _, said = answer.read_text().partition(" ")
    assert (int(pid) != nursery.pid, said) == (True, "from the fork\n")
    assert end_of(launch(["echo", "still"])).stdout_tail == "still\n"


def test_reading_a_record_that_is_not_there_or_broken_gives_none(folder: Path) -> None:
    (folder / "exit-1.json").write_text("{")
    (folder / "exit-2.json").write_text('{"fence": "2"}')

    assert [read_exit_record(folder, fence) for fence in ("0", "1", "2")] == [None, None, None]


def test_the_record_speaks_for_a_supervisor_that_cannot(launch: Launch, folder: Path) -> None:
    """It was killed between the record and its last message."""
    process = launch(["sleep", "600"], fence="f")
    supervisor = wait_for(process, Started).supervisor_pid
    text = '"stage": "ended", "code": 0, "stopped_by_us": "", "message": "", "stdout_tail": "", "stderr_tail": ""'
    (folder / "exit-f.json").write_text(f'{{"fence": "f", {text}, "started_at": 1.0, "ended_at": 2.0}}')

    os.kill(supervisor, signal.SIGKILL)

    assert end_of(process).ended_at == 2.0
