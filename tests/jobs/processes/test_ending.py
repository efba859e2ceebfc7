"""Nothing of a component survives it: not its children, not its daemons, whoever dies first."""

from __future__ import annotations

import os
import signal
import uuid
from pathlib import Path

import pytest

from jobs.processes.client import Nursery, SupervisedProcess
from jobs.processes.protocol import Lost, Started, is_supervised, read_exit_record
from jobs.processes.sweep import kill_marked
from tests.jobs.processes.conftest import Launch
from tests.jobs.processes.support import (
    FAMILY,
    FAMILY_SIZE,
    build_spec,
    end_of,
    living,
    noted_pids,
    processes_under,
    python,
    wait_for,
    wait_until,
)

STAYING_FAMILY = FAMILY + "stay()\n"


def launch_family(launch: Launch, folder: Path, code: str = STAYING_FAMILY) -> SupervisedProcess:
    process = launch(python(code), grace_seconds=0.1)
    wait_until(lambda: len(noted_pids(folder)) == FAMILY_SIZE)
    assert len(living(noted_pids(folder))) == FAMILY_SIZE
    return process


def test_a_component_that_ignores_sigterm_is_killed_with_everything_below_it(launch: Launch, folder: Path) -> None:
    process = launch_family(launch, folder)

    process.stop("terminate")
    record = end_of(process)

    assert (record.code, record.stopped_by_us, record.message) == (-signal.SIGKILL, "terminate", "")
    assert living(noted_pids(folder)) == []
    assert processes_under(folder) == []


def test_what_a_component_leaves_behind_ends_with_it(launch: Launch, folder: Path) -> None:
    code = FAMILY + f"note()\nwhile len(open('pids').readlines()) < {FAMILY_SIZE}: time.sleep(0.005)\nsys.exit(4)\n"

    record = end_of(launch(python(code)))

    assert (record.code, record.stopped_by_us) == (4, "")
    assert len(noted_pids(folder)) == FAMILY_SIZE
    assert living(noted_pids(folder)) == []


def test_a_fork_bomb_ends(launch: Launch, folder: Path) -> None:
    """Each of its processes leaves the group and starts the next one, as fast as it can."""
    code = (
        "import os, time\nopen('started', 'w').close()\n"
        "while True:\n  if os.fork() == 0:\n    os.setsid()\n  else:\n    time.sleep(0.02)\n    os._exit(0)\n"
    )
    starter = f"import os, time\nif os.fork() == 0:\n  exec({code!r})\ntime.sleep(600)\n"
    process = launch(python(starter), grace_seconds=0.1)
    wait_until((folder / "data" / "started").exists)

    process.stop("terminate")
    end_of(process)

    assert processes_under(folder) == []


def test_a_component_may_tidy_up_after_sigterm(launch: Launch, folder: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "def tidy(*_): print('tidied'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, tidy)\nopen('ready', 'w').close()\ntime.sleep(600)\n"
    )
    process = launch(python(code))
    wait_until((folder / "data" / "ready").exists)

    process.stop("terminate")
    record = end_of(process)

    assert (record.code, record.stopped_by_us, record.stdout_tail) == (0, "terminate", "tidied\n")


def test_a_stopped_component_is_woken_to_hear_sigterm(launch: Launch) -> None:
    process = launch(["sleep", "600"], grace_seconds=600.0)
    pid = wait_for(process, Started).pid
    os.kill(pid, signal.SIGSTOP)

    process.stop("terminate")

    assert end_of(process).code == -signal.SIGTERM


def test_an_end_before_our_first_signal_is_the_components_own(launch: Launch, folder: Path) -> None:
    process = launch(python("import time\nwhile not __import__('os').path.exists('go'): time.sleep(0.002)"))
    supervisor = wait_for(process, Started).supervisor_pid
    os.kill(supervisor, signal.SIGSTOP)
    (folder / "data" / "go").touch()
    wait_until(lambda: not processes_under(folder))

    process.stop("terminate")
    os.kill(supervisor, signal.SIGCONT)
    record = end_of(process)

    assert (record.code, record.stopped_by_us) == (0, "")


def test_the_first_reason_to_stop_stands(launch: Launch) -> None:
    process = launch(python("import signal, time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(600)"))
    wait_for(process, Started)

    process.stop("terminate")
    process.stop("lease")

    assert end_of(process).stopped_by_us == "terminate"


def test_closing_is_the_death_of_the_worker(launch: Launch, folder: Path) -> None:
    process = launch_family(launch, folder)

    process.close()

    wait_until(lambda: not is_supervised(folder))
    assert living(noted_pids(folder)) == []
    (path,) = folder.glob("exit-*.json")
    record = read_exit_record(folder, path.stem.removeprefix("exit-"))
    assert record is not None
    assert record.stopped_by_us == "lease"


def test_a_supervisor_that_is_killed_leaves_nothing(launch: Launch, folder: Path) -> None:
    process = launch_family(launch, folder)
    supervisor = wait_for(process, Started).supervisor_pid

    os.kill(supervisor, signal.SIGKILL)

    assert wait_for(process, Lost) == Lost()
    wait_until(lambda: not processes_under(folder))
    assert living(noted_pids(folder)) == []
    assert list(folder.glob("exit-*.json")) == []


def test_without_nursery_and_supervisor_a_component_is_lost_and_found_by_its_mark(
    nursery: Nursery, launch: Launch, folder: Path
) -> None:
    mark = f"{uuid.uuid4().hex}:alone"
    process = launch(["sleep", "600"], mark=mark)
    started = wait_for(process, Started)
    assert nursery.pid is not None
    os.kill(nursery.pid, signal.SIGKILL)

    os.kill(started.supervisor_pid, signal.SIGKILL)

    wait_for(process, Lost)
    assert kill_marked(mark) == 1
    wait_until(lambda: not living([started.pid]))


def test_running_components_outlive_the_nursery_and_the_next_launch_starts_a_new_one(
    nursery: Nursery, launch: Launch, tmp_path: Path
) -> None:
    process = launch(python("import os, time\nwhile not os.path.exists('go'): time.sleep(0.002)\nprint('done')"))
    wait_for(process, Started)
    killed = nursery.pid
    assert killed is not None

    os.kill(killed, signal.SIGKILL)
    second = nursery.launch(build_spec(tmp_path / "second", ["echo", "second"]))

    assert end_of(second).stdout_tail == "second\n"
    assert nursery.pid != killed
    (tmp_path / "job" / "data" / "go").touch()
    assert end_of(process).stdout_tail == "done\n"


def test_supervisors_are_used_again_and_end_with_the_nursery(nursery: Nursery, launch: Launch) -> None:
    used = {_supervisor_of_a_whole_life(launch) for _ in range(5)}
    (descriptors,) = {len(os.listdir(f"/proc/{pid}/fd")) for pid in used}
    used |= {_supervisor_of_a_whole_life(launch) for _ in range(5)}

    assert len(used) <= 2  # the first may not be idle yet when the next component comes
    assert {len(os.listdir(f"/proc/{pid}/fd")) for pid in used} == {descriptors}
    nursery.close()
    assert living(list(used)) == []


def test_two_at_once_have_a_supervisor_each(nursery: Nursery, launch: Launch, tmp_path: Path) -> None:
    first = launch(["sleep", "600"])
    second = nursery.launch(build_spec(tmp_path / "second", ["sleep", "600"]))

    supervisors = {wait_for(first, Started).supervisor_pid, wait_for(second, Started).supervisor_pid}

    assert len(supervisors) == 2
    second.close()  # is seen, though a supervisor was forked while the first socket was open
    wait_until(lambda: not is_supervised(tmp_path / "second"))
    assert is_supervised(tmp_path / "job")


def test_a_shutdown_that_signals_everybody_is_not_the_components_own_end(launch: Launch) -> None:
    process = launch(["sleep", "600"])
    started = wait_for(process, Started)

    os.kill(started.supervisor_pid, signal.SIGTERM)

    record = end_of(process)
    assert (record.code, record.stopped_by_us) == (-signal.SIGTERM, "lease")


@pytest.mark.parametrize("count", [200])
def test_orphans_are_reaped_while_the_component_runs(launch: Launch, folder: Path, count: int) -> None:
    code = (
        f"import os, time\nfor _ in range({count}):\n  if os.fork() == 0:\n    if os.fork() == 0: os._exit(0)\n"
        "    os._exit(0)\n  os.wait()\nopen('ready', 'w').close()\ntime.sleep(600)\n"
    )
    process = launch(python(code))
    started = wait_for(process, Started)

    wait_until((folder / "data" / "ready").exists)

    wait_until(lambda: _children(started.supervisor_pid) == [started.pid])


def _supervisor_of_a_whole_life(launch: Launch) -> int:
    process = launch(["true"])
    started = wait_for(process, Started)
    end_of(process)
    wait_until(lambda: _is_idle(started.supervisor_pid))
    return started.supervisor_pid


def _is_idle(supervisor: int) -> bool:
    for name in os.listdir(f"/proc/{supervisor}/fd"):
        try:
            if os.readlink(f"/proc/{supervisor}/fd/{name}").endswith("/supervised"):
                return False
        except FileNotFoundError:
            continue  # it has just closed this one
    return True


def _children(parent: int) -> list[int]:
    stats = [path.read_text() for path in Path("/proc").glob("[0-9]*/stat") if path.exists()]
    fields = [(stat.split()[0], stat.rpartition(")")[2].split()[1]) for stat in stats]
    return [int(pid) for pid, ppid in fields if ppid == str(parent)]
