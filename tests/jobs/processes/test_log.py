"""What a component prints becomes lines of the job's log, whatever it prints."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest

from jobs.processes.output import LINE_BYTES, LogFile, Output
from jobs.processes.protocol import LogGrew, Started
from tests.jobs.processes.conftest import Launch
from tests.jobs.processes.support import end_of, log_of, python, wait_for, wait_until


def test_a_line_is_there_while_the_component_goes_on(launch: Launch, folder: Path) -> None:
    process = launch(python("import time; print('first'); time.sleep(600)"))

    grown = wait_for(process, LogGrew)

    assert log_of(folder) == [("I", "first")]
    assert grown.size == (folder / "log").stat().st_size


def test_every_line_has_the_time_at_which_it_was_read(launch: Launch, folder: Path) -> None:
    before = time.time()

    end_of(launch(["echo", "now"]))

    stamp = (folder / "log").read_text().split("\t")[0]
    assert before <= float(stamp) <= time.time()
    assert len(stamp.split(".")[1]) == 6


def test_100_mb_end_in_one_mark_and_little_memory(launch: Launch, folder: Path) -> None:
    code = (
        "import os, time\nline = b'x' * 99 + b'\\n'\n"
        "for _ in range(1000): os.write(1, line * 1000)\n"
        "os.write(1, b'last\\n'); open('done', 'w'); time.sleep(600)"
    )
    process = launch(python(code), log_limit_bytes=1_000_000)
    supervisor = wait_for(process, Started).supervisor_pid

    wait_until((folder / "data" / "done").exists)
    peak_kilobytes = _status_kilobytes(supervisor, "VmHWM")
    process.stop("terminate")
    record = end_of(process)

    assert log_of(folder)[-1] == ("E", "log truncated: more than 1000000 bytes")
    assert [kind for kind, _ in log_of(folder)].count("E") == 1
    assert 999_000 < (folder / "log").stat().st_size < 1_000_200
    assert record.stdout_tail.endswith("x\nlast\n")
    assert peak_kilobytes < 20_000


def test_binary_is_shown_as_replacements_without_zeros(launch: Launch, folder: Path) -> None:
    record = end_of(launch(python("import os; os.write(1, b'a\\0b\\xff\\xfe\\0c\\n' + 'ž'.encode())")))

    assert log_of(folder) == [("I", "ab\ufffd\ufffdc"), ("I", "ž")]
    assert record.stdout_tail == "ab\ufffd\ufffdc\nž"


def test_output_of_zeros_alone_does_not_end_the_reading(launch: Launch, folder: Path) -> None:
    end_of(launch(python("import os; os.write(1, bytes(300_000) + b'end\\n')")))

    assert log_of(folder) == [("I", "end")]


def test_a_line_without_end_is_cut_between_characters(launch: Launch, folder: Path) -> None:
    end_of(launch(python("import os; os.write(1, b'a' + 'ž'.encode() * 100_000)")))

    texts = [text for _, text in log_of(folder)]
    assert "".join(texts) == "a" + "ž" * 100_000
    assert len(texts) == 4
    assert all(len(text.encode()) <= LINE_BYTES for text in texts)


def test_a_secret_is_masked_across_a_cut_and_across_reads(launch: Launch, folder: Path) -> None:
    code = (
        "import os, time\n"
        f"os.write(1, b'x' * {LINE_BYTES - 3} + b'hunter2' + b'y')\n"
        "os.write(2, b'hun')\n"
        "while not os.path.exists('go'): time.sleep(0.005)\n"
        "os.write(2, b'ter2 is it')\n"
    )
    process = launch(python(code), secrets=["hunter2"])
    wait_until(lambda: log_of(folder) if (folder / "log").exists() else [])
    (folder / "data" / "go").touch()

    record = end_of(process)

    text = (folder / "log").read_text()
    assert "hun" not in text and "er2" not in text
    assert ("E", "***** is it") in log_of(folder)
    assert (record.stdout_tail[-6:], record.stderr_tail) == ("*****y", "***** is it")


def test_carriage_returns_end_lines_like_newlines(launch: Launch, folder: Path) -> None:
    end_of(launch(python("import os; os.write(1, b'10%\\r20%\\r\\ndone\\n')")))

    assert log_of(folder) == [("I", "10%"), ("I", "20%"), ("I", "done")]


@pytest.mark.parametrize("reads", [(b"a\r", b"\nb\n"), (b"a", b"\r\nb\n"), (b"a\r\n", b"b\n")])
def test_a_newline_of_two_characters_can_come_in_two_reads(reads: tuple[bytes, ...]) -> None:
    lines: list[bytes] = []
    reading, writing = os.pipe()
    output = Output(reading, "I", [], lambda _, data: lines.append(data))

    for read in reads:
        os.write(writing, read)
        output.read()

    assert b"".join(lines) == b"a\nb\n"
    os.close(reading)
    os.close(writing)


def test_the_tail_is_the_last_4_kib(launch: Launch) -> None:
    record = end_of(launch(python("print('x' * 10_000); print('ž' * 3000)")))

    assert record.stdout_tail == "ž" * 2047 + "\n"


def test_a_later_attempt_goes_on_in_the_same_log(launch: Launch, folder: Path) -> None:
    (folder / "log").write_text("1.000000\tI\tfirst att")  # its supervisor was killed

    end_of(launch(["echo", "second"]))

    assert log_of(folder) == [("I", "first att"), ("I", "second")]


def test_a_full_disk_loses_lines_but_keeps_the_rest_whole(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), 1 << 20)
    log.append("I", b"before\n")
    room = os.open("/dev/full", os.O_RDWR)
    whole = os.dup(log.fd)

    os.dup2(room, log.fd)
    log.append("I", b"lost\n")
    os.dup2(whole, log.fd)
    log.append("I", b"after\n")

    texts = [line.split("\t")[2] for line in (tmp_path / "log").read_text().splitlines()]
    assert texts == ["before", "some lines are missing: the log could not be written", "after"]
    log.close()
    os.close(room)
    os.close(whole)


def test_a_line_that_fits_only_in_part_is_taken_back(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), 1 << 20)
    log.append("I", b"before\n")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (log.size + 10, limits[1]))
    try:
        log.append("I", b"does not fit\n")
        size = (tmp_path / "log").stat().st_size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert size == log.size
    assert (tmp_path / "log").read_text().endswith("\tbefore\n")
    log.close()


def test_a_component_ends_well_without_a_place_for_its_log(launch: Launch, folder: Path) -> None:
    (folder / "log").mkdir()

    record = end_of(launch(["echo", "said"]))

    assert (record.code, record.stdout_tail) == (0, "said\n")


def _status_kilobytes(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
