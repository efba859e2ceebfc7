"""Counting calls over processes and threads (orchestrations.lib.rates)."""

from __future__ import annotations

import errno
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from orchestrations.lib.rates import SLOTS, TRIES, Rates


@pytest.fixture
def rates(tmp_path: Path) -> Rates:
    return Rates(tmp_path / "rates")


def take(rates: Rates, caller: int = 7, *, limit: int = 3, now: float = 1000.0) -> bool:
    return rates.take(caller, limit=limit, period=60, now=now).allowed


def test_a_burst_may_be_as_large_as_the_limit_and_comes_back_steadily(rates: Rates) -> None:
    verdicts = [rates.take(7, limit=3, period=60, now=1000.0) for _ in range(4)]

    assert [each.allowed for each in verdicts] == [True, True, True, False]
    assert [each.remaining for each in verdicts] == [2, 1, 0, 0]
    assert [each.reset_seconds for each in verdicts] == [20, 40, 60, 60]
    assert [each.wait_seconds for each in verdicts] == [0, 0, 0, 20]
    assert not take(rates, now=1019.0)
    assert take(rates, now=1020.0)
    assert not take(rates, now=1020.0)
    assert [take(rates, now=2000.0) for _ in range(4)] == [True, True, True, False]


def test_each_caller_counts_for_itself_also_in_one_place(rates: Rates) -> None:
    neighbours = [7 + SLOTS * number for number in range(TRIES)]

    for caller in neighbours:
        assert [take(rates, caller, limit=1), take(rates, caller, limit=1)] == [True, False]
    for caller in neighbours:
        assert not take(rates, caller, limit=1)


def test_a_clock_that_began_anew_shuts_nobody_out(rates: Rates) -> None:
    for _ in range(3):
        take(rates, now=1_000_000.0)

    assert take(rates, now=5.0)


def test_nonsense_in_the_file_is_no_count(tmp_path: Path) -> None:
    (tmp_path / "rates").write_bytes(b"\xff" * 1000)
    rates = Rates(tmp_path / "rates")

    assert [take(rates, 3) for _ in range(4)] == [True, True, True, False]


def test_a_file_that_is_cut_off_meanwhile_counts_anew(tmp_path: Path) -> None:
    rates = Rates(tmp_path / "rates")
    for _ in range(4):
        take(rates)

    os.truncate(tmp_path / "rates", 0)

    assert [take(rates) for _ in range(4)] == [True, True, True, False]


def test_a_disk_that_takes_no_more_shuts_nobody_out(rates: Rates, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", refuse)

    assert [take(rates) for _ in range(5)] == [True] * 5


def test_threads_together_get_no_more_than_one(rates: Rates) -> None:
    allowed: list[bool] = []
    threads = [
        threading.Thread(target=lambda: allowed.extend(take(rates, limit=100) for _ in range(50))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(allowed), sum(allowed)) == (200, 100)


def take_many(path: Path) -> int:
    rates = Rates(path)
    return sum(take(rates, limit=300) for _ in range(200))


def test_processes_together_get_no_more_than_one(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert sum(pool.map(take_many, [tmp_path / "rates"] * 3, chunksize=1)) == 300
