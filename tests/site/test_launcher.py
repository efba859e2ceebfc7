"""The launcher's parts: what it is asked for, and how it keeps a service running."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path

import pytest

from orchestration_site.launcher import ground, options
from orchestration_site.launcher.options import Options, Refused
from orchestration_site.launcher.service import FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, STEADY_SECONDS, Service
from orchestrations.lib import lifeline
from tests.clusters import wait_for


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("[::1]:8000", ("::1", 8000)),
        ("::1:8000", ("::1", 8000)),
        (" tutti.example.org:80 ", ("tutti.example.org", 80)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
    ],
)
def test_an_address_is_read(text: str, parsed: tuple[str, int]) -> None:
    assert options.parse_bind(text) == parsed


@pytest.mark.parametrize(
    "text", ["", "8000", ":8000", "localhost", "localhost:", "localhost:http", "a:65536", "a:-1", "a:²"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="--bind must be HOST:PORT"):
        options.parse_bind(text)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "http://127.0.0.1:8000/"),
        ("::", "http://[::1]:8000/"),
        ("::1", "http://[::1]:8000/"),
    ],
)
def test_the_address_for_the_browser(host: str, url: str) -> None:
    assert options.page_url(host, 8000) == url


def test_the_public_address_goes_before_the_local_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTTI_PUBLIC_URL", "https://tutti.example.org/")

    assert options.page_url("127.0.0.1", 8000) == "https://tutti.example.org/"


def test_options_stand_above_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUTTI_WORKERS", "2")
    monkeypatch.setenv("TUTTI_DATA", "/elsewhere")

    asked = read("--data", str(tmp_path), "--workers", "7", "--bind", "127.0.0.1:0")
    environment = options.build_environment(asked, 4321)

    assert environment["TUTTI_DATA"] == str(tmp_path)
    assert (environment["TUTTI_WORKERS"], environment["TUTTI_BIND"]) == ("7", "127.0.0.1:4321")
    assert "TUTTI_ALLOWED_HOSTS" not in environment or not asked.is_public


def test_no_worker_at_all_is_refused() -> None:
    with pytest.raises(Refused, match="--workers must be at least 1"):
        read("--workers", "0")


def test_open_to_the_network_it_answers_to_its_own_names_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUTTI_ALLOWED_HOSTS", raising=False)

    names = options.build_environment(read("--bind", "0.0.0.0:8000"), 8000)["TUTTI_ALLOWED_HOSTS"].split(",")

    assert {"localhost", "127.0.0.1", socket.gethostname().lower()} <= set(names)
    assert "*" not in names


def test_names_that_the_person_has_given_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTTI_ALLOWED_HOSTS", "tutti.example.org")

    assert options.build_environment(read("--bind", "0.0.0.0:80"), 80)["TUTTI_ALLOWED_HOSTS"] == "tutti.example.org"


def test_the_data_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    ground.open_data_folder(tmp_path / "new" / "data")

    assert (tmp_path / "new" / "data").stat().st_mode & 0o077 == 0
    assert list((tmp_path / "new" / "data").iterdir()) == []


def test_a_folder_is_locked_by_one_at_a_time(tmp_path: Path) -> None:
    first = ground.lock(tmp_path)
    ground.sign_lock(first, "http://127.0.0.1:8000/")

    with pytest.raises(Refused, match=rf"already runs .*\(process {os.getpid()}, http://127.0.0.1:8000/\)"):
        ground.lock(tmp_path)
    os.close(first)
    os.close(ground.lock(tmp_path))


def test_a_port_below_1024_is_explained() -> None:
    assert "more rights" in ground._why_not("127.0.0.1:80", PermissionError(13, "Permission denied"))


def test_a_service_that_dies_is_started_again_later_and_later() -> None:
    service = Service("The web server", lambda: 0)
    now, waits = 0.0, []

    for _ in range(6):
        service.look_after(now)
        sentence = wait_for(partial(service.look_after, now))
        assert sentence.startswith("The web server ended with code 0; starting again")
        waits.append(service.due_at - now)
        assert service.look_after(service.due_at - 0.01) == "" and service.process is None
        now = service.due_at

    assert waits[0] == pytest.approx(FIRST_DELAY_SECONDS)
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_DELAY_SECONDS


def test_a_service_that_ran_for_long_is_started_again_at_once() -> None:
    service = Service("The workers", lambda: 0, deaths=5)
    service.start(0.0)

    wait_for(lambda: service.look_after(STEADY_SECONDS + 1))

    assert service.due_at - (STEADY_SECONDS + 1) == pytest.approx(FIRST_DELAY_SECONDS)


def test_what_a_dead_service_leaves_in_its_group_is_killed() -> None:
    reading, writing = os.pipe()

    def leave_a_child() -> int:
        child = os.fork()
        if not child:
            signal.pause()
        os.write(writing, str(child).encode())
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    service = Service("The workers", leave_a_child, descriptors=[writing])

    service.start(0.0)
    os.close(writing)
    sentence = wait_for(lambda: service.look_after(1.0))

    assert "was killed (SIGKILL)" in sentence
    # The child held the pipe's other end: it has gone when the pipe has ended.
    with os.fdopen(reading) as pipe:
        child = int(pipe.read())
    wait_for(lambda: not is_running(child))


@pytest.mark.skipif(sys.platform != "linux", reason="the signal of a dead parent is Linux's")
def test_a_service_gets_no_signal_of_the_terminal_and_has_no_input() -> None:
    reading, writing = os.pipe()

    def report() -> int:
        os.write(writing, f"{os.getsid(0) == os.getpid()} {os.read(0, 1) == b''}".encode())
        return 0

    service = Service("The workers", report, descriptors=[writing])

    service.start(0.0)

    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.read().split() == ["True", "True"]
    wait_for(service.is_gone)


def test_a_lifeline_is_cut_when_the_other_end_is_closed() -> None:
    reading, writing = os.pipe()

    assert not lifeline.is_cut(reading)
    os.close(writing)
    assert lifeline.is_cut(reading)
    os.close(reading)
    assert not lifeline.is_cut(None)


def test_a_cut_lifeline_asks_this_process_to_stop() -> None:
    reading, writing = os.pipe()
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        lifeline.stop_when_cut(reading)
        os.close(writing)
        wait_for(lambda: heard)
    finally:
        signal.signal(signal.SIGTERM, before)
        os.close(reading)

    assert heard == [signal.SIGTERM]


def read(*words: str) -> Options:
    parser = argparse.ArgumentParser()
    options.add_arguments(parser)
    return options.read(parser.parse_args(words))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
