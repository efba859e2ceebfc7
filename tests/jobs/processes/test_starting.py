"""A component is started clean, and one that cannot be started says why."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from jobs.processes import client
from jobs.processes.client import Nursery, NurseryGone, StillSupervised
from jobs.processes.protocol import Started, is_supervised, read_exit_record
from tests.jobs.processes.conftest import Launch
from tests.jobs.processes.support import build_spec, end_of, log_of, python, wait_for, wait_until


def test_its_own_end_is_told_and_recorded(launch: Launch, folder: Path) -> None:
    process = launch(["sh", "-c", "echo fine; echo wrong >&2; exit 3"])

    record = end_of(process)

    assert (record.code, record.stopped_by_us, record.message) == (3, "", "")
    assert (record.stdout_tail, record.stderr_tail) == ("fine\n", "wrong\n")
    assert 0 < record.started_at <= record.ended_at
    assert read_exit_record(folder, record.fence) == record
    assert sorted(log_of(folder)) == [("E", "wrong"), ("I", "fine")]


def test_a_stage_that_is_run_again_leaves_the_record_of_its_last_process(launch: Launch, folder: Path) -> None:
    """Who goes on with an attempt stages its tables again, under the same fence."""
    for code in (3, 0):
        record = end_of(launch(["sh", "-c", f"exit {code}"], stage="stage"))
        wait_until(lambda: not is_supervised(folder))
        assert read_exit_record(folder, record.fence, "stage") == record


def test_a_signal_that_it_sends_itself_is_a_negative_code(launch: Launch) -> None:
    record = end_of(launch(["sh", "-c", "kill -SEGV $$"]))

    assert (record.code, record.stopped_by_us) == (-signal.SIGSEGV, "")


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["no-such-program"], "The program “no-such-program” was not found."),
        (["/no/such/program"], "The program “/no/such/program” was not found."),
        (["/etc/passwd"], "The program “/etc/passwd” is not executable."),
        (["./noformat"], "The program “./noformat” is not an executable file."),
        (
            ["./script"],
            "The program “./script” could not be started: the interpreter named in its first line was not found.",
        ),
        ([], "The component has no command to start."),
        (
            ["true", "a\0b"],
            (
                "The program “true” could not be started: its arguments or its environment contain a character "
                "that is not allowed."
            ),
        ),
        (
            ["true", "x" * (1 << 18)],
            "The program “true” could not be started: its arguments or its environment are too long.",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_program_that_cannot_be_started_says_why(
    launch: Launch, folder: Path, argv: list[str], sentence: str
) -> None:
    for name, content in (("noformat", b"\x00\x01"), ("script", b"#!/no/such/interpreter\n")):
        program = folder / "data" / name
        program.parent.mkdir(exist_ok=True)
        program.write_bytes(content)
        program.chmod(0o755)

    record = end_of(launch(argv))

    assert (record.code, record.stopped_by_us, record.message) == (None, "", sentence)


def test_a_missing_working_directory_is_named(launch: Launch) -> None:
    record = end_of(launch(["true"], cwd="/no/such/folder"))

    assert (record.code, record.message) == (None, "The working directory “/no/such/folder” was not found.")


def test_it_gets_its_own_environment_and_nothing_else(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "secret")
    show = "import json, os; print(json.dumps(dict(os.environ)))"

    process = launch(python(show), env={"KBC_RUNID": "7", "LC_CTYPE": "C.UTF-8"}, mark="9:abc")

    assert json.loads(end_of(process).stdout_tail) == {
        "KBC_RUNID": "7",
        "LC_CTYPE": "C.UTF-8",
        "TUTTI_JOB_MARK": "9:abc",
    }


def test_it_inherits_no_descriptor_no_signal_setting_and_leads_its_own_session(launch: Launch) -> None:
    show = (
        "import json, os; status = dict(line.split(':', 1) for line in open('/proc/self/status'));"
        "fds = [int(name) for name in os.listdir('/proc/self/fd')];"
        "print(json.dumps([len([fd for fd in fds if fd > 2]), os.readlink('/proc/self/fd/0'),"
        "os.getsid(0) == os.getpid() == os.getpgrp(), status['SigBlk'].strip(), status['SigIgn'].strip(),"
        "open('/proc/self/oom_score_adj').read().strip()]))"
    )
    own_score = int(Path("/proc/self/oom_score_adj").read_text())

    record = end_of(launch(python(show)))

    strangers, stdin, leads, blocked, ignored, oom_score = json.loads(record.stdout_tail)
    assert strangers == 1  # the listing's own
    assert (stdin, leads) == ("/dev/null", True)
    assert int(blocked, 16) == 0
    of_libc = 0b11 << 31  # 32 and 33: no program can set them, a parent's may be inherited
    assert int(ignored, 16) & ~of_libc == (1 << signal.SIGPIPE - 1) | (1 << signal.SIGXFSZ - 1)  # Python's own doing
    assert int(oom_score) == min(1000, own_score + 500)


def test_the_start_is_told_with_the_pids(launch: Launch) -> None:
    process = launch(["sleep", "60"])

    started = wait_for(process, Started)

    # The kernel lets the supervisor go on a moment before it gives the process its new name.
    wait_until(lambda: Path(f"/proc/{started.pid}/comm").read_text() == "sleep\n")
    assert Path(f"/proc/{started.supervisor_pid}/comm").read_text() == "tutti-job\n"


def test_an_order_that_a_dying_nursery_took_with_it_is_given_again(nursery: Nursery, launch: Launch) -> None:
    nursery.start()
    assert nursery.pid is not None
    os.kill(nursery.pid, signal.SIGSTOP)
    killer = threading.Timer(0.05, os.kill, (nursery.pid, signal.SIGKILL))
    killer.start()

    process = launch(["echo", "hello"])

    assert end_of(process).stdout_tail == "hello\n"
    killer.join()


def test_an_order_that_nobody_takes_is_withdrawn(
    nursery: Nursery, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "HAND_OVER_SECONDS", 0.05)
    monkeypatch.setattr(client, "STOP_SECONDS", 0.05)
    monkeypatch.setattr(client, "PROGRAM", "import time; time.sleep(600)")

    with pytest.raises(NurseryGone):
        nursery.launch(build_spec(folder, ["touch", "ran"]))

    assert nursery.pid is None
    assert not is_supervised(folder)


def test_a_large_spec_arrives_whole(launch: Launch) -> None:
    words = ["word"] * 100_000

    record = end_of(launch(python("import sys; print(len(sys.argv))") + words))

    assert record.stdout_tail == "100001\n"


def test_a_second_attempt_is_refused_while_the_first_lives(nursery: Nursery, launch: Launch, folder: Path) -> None:
    process = launch(["sleep", "60"])

    with pytest.raises(StillSupervised):
        nursery.launch(build_spec(folder, ["true"]))

    assert is_supervised(folder)
    process.stop("terminate")
    end_of(process)
    wait_until(lambda: not is_supervised(folder))
    assert end_of(launch(["true"])).code == 0


def test_the_start_is_told_also_of_what_is_over_at_once(launch: Launch) -> None:
    for _ in range(20):
        process = launch(["true"])
        wait_for(process, Started)
        end_of(process)
