"""Each limit ends the component, with a sentence."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from jobs.processes.limits import MemoryWatch, Rhythm, amount, sizes_under
from tests.jobs.processes.conftest import Launch
from tests.jobs.processes.support import end_of, processes_under, python

MEGABYTE = 1 << 20


def test_a_component_that_runs_too_long_is_stopped(launch: Launch) -> None:
    record = end_of(launch(["sleep", "600"], time_limit_seconds=0.2))

    assert (record.code, record.stopped_by_us) == (-signal.SIGTERM, "time")
    assert record.message == "The component ran longer than its limit of 0.2 seconds and was stopped."


def test_a_fast_allocator_is_caught(launch: Launch) -> None:
    code = "blocks = []\nfor _ in range(8192): blocks.append(b'x' * (1 << 20))\nimport time; time.sleep(600)"

    record = end_of(launch(python(code), memory_limit_bytes=128 * MEGABYTE))

    assert (record.code, record.stopped_by_us) == (-signal.SIGKILL, "memory")
    assert record.message == "The component used more than 128 MB of memory and was stopped."


def test_the_memory_of_all_its_processes_counts_together(launch: Launch, folder: Path) -> None:
    eater = "block = b'x' * (64 << 20)\nimport time; time.sleep(600)\n"
    code = f"import os\nfor _ in range(3):\n  if os.fork() == 0:\n    os.setsid()\n    break\n{eater}"

    record = end_of(launch(python(code), memory_limit_bytes=160 * MEGABYTE))

    assert record.stopped_by_us == "memory"
    assert processes_under(folder) == []


def test_memory_that_processes_share_counts_once(launch: Launch) -> None:
    code = (
        "import os, time\nblock = b'x' * (64 << 20)\n"
        "children = []\n"
        "for _ in range(4):\n"
        "  pid = os.fork()\n"
        "  if pid == 0:\n    time.sleep(1.2)\n    os._exit(0)\n"
        "  children.append(pid)\n"
        "for pid in children: os.waitpid(pid, 0)\n"
    )

    record = end_of(launch(python(code), memory_limit_bytes=160 * MEGABYTE))

    assert (record.code, record.stopped_by_us) == (0, "")


def test_the_watch_finds_descendants_that_come_later(folder: Path) -> None:
    watch = MemoryWatch(1, 0.0)
    watch.is_over(0.0)

    child = os.fork()
    if child == 0:
        signal.pause()
    try:
        assert watch.is_over(0.0)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_component_that_fills_its_folder_is_stopped(launch: Launch, folder: Path) -> None:
    code = (
        "import os, time\nos.makedirs('deep/er')\n"
        "for number in range(64): open(f'deep/er/{number}', 'wb').write(bytes(1 << 20))\ntime.sleep(600)"
    )

    record = end_of(launch(python(code), disk_limit_bytes=16 * MEGABYTE))

    assert (record.code, record.stopped_by_us) == (-signal.SIGKILL, "disk")
    assert record.message == "The component used more than 16 MB of disk space and was stopped."


def test_one_file_cannot_grow_far_over_the_disk_limit(launch: Launch) -> None:
    """The kernel sees to that, however fast it is written."""
    code = (
        "import resource, sys\nprint(resource.getrlimit(resource.RLIMIT_FSIZE)[0], flush=True)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        "open('large', 'wb').write(bytes(1 << 20))"
    )

    record = end_of(launch(python(code), disk_limit_bytes=4 * MEGABYTE))

    assert record.stdout_tail == f"{5 * MEGABYTE}\n"
    assert (record.code, record.stopped_by_us) == (-signal.SIGXFSZ, "disk")


def test_too_much_disk_counts_even_if_the_component_ended_before_we_looked(launch: Launch) -> None:
    code = "import os\nfor number in range(3): open(str(number), 'wb').write(bytes(1 << 20))\nos._exit(0)"

    record = end_of(launch(python(code), disk_limit_bytes=2 * MEGABYTE))

    assert record.stopped_by_us == "disk"


def test_a_component_within_its_limits_ends_by_itself(launch: Launch) -> None:
    limits = {"memory_limit_bytes": 512 * MEGABYTE, "disk_limit_bytes": 16 * MEGABYTE, "time_limit_seconds": 60.0}

    record = end_of(launch(python("open('small', 'w').write('x'); import time; time.sleep(0.3)"), **limits))

    assert (record.code, record.stopped_by_us, record.message) == (0, "", "")


def test_hard_links_count_once_and_symbolic_links_not_at_all(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(bytes(MEGABYTE))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(bytes(MEGABYTE))
    alone = sum(sizes_under(str(folder)))

    os.link(folder / "file", folder / "same")
    (folder / "away").symlink_to(outside)

    assert alone >= MEGABYTE
    assert sum(sizes_under(str(folder))) < alone + MEGABYTE / 2


def test_it_is_looked_at_often_at_first_seldom_later_and_often_again_when_little_room_is_left() -> None:
    rhythm = Rhythm(0.0, longest_seconds=0.5, bytes_per_second=1000.0)
    waits = []

    for room_bytes in [10_000.0] * 8 + [100.0, 0.0]:
        now = rhythm.next_at
        rhythm.looked(now, room_bytes, cost_seconds=0.0)
        waits.append(round(rhythm.next_at - now, 3))

    assert waits == [0.04, 0.08, 0.16, 0.32, 0.5, 0.5, 0.5, 0.5, 0.1, 0.02]


def test_looking_that_costs_much_is_done_less_often() -> None:
    rhythm = Rhythm(0.0, longest_seconds=0.5, bytes_per_second=1000.0)

    rhythm.looked(0.0, room_bytes=1.0, cost_seconds=0.1)

    assert rhythm.next_at == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("number", "text"),
    [(512 * MEGABYTE, "512 MB"), (3 * MEGABYTE * 512, "1.5 GB"), (2048, "2 KB"), (7, "7 bytes")],
)
def test_amounts_are_written_for_people(number: int, text: str) -> None:
    assert amount(number) == text
