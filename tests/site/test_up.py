"""``manage.py up`` with real processes: what a person sees, and what is left when it is killed."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import ROOT, wait_for
from tests.site import launched
from tests.site.launched import Up, command_of

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]
SHARED = pytest.mark.xdist_group("up")
"""Run by one process, so that it starts once."""
PASSWORD = re.compile(r"^ +password +(\S+)$", re.MULTILINE)

RUN_FOR_EVER = """
from django.utils import timezone
from jobs import launching
from orchestrations import editing
from orchestrations.access import Actor
from orchestrations.models import Project, User

now, actor, project = timezone.now(), Actor(user=User.objects.get()), Project.objects.get()
content = editing.Content(name="Long", document={"parameters": {"command": ["sleep", "86399"]}})
configuration = editing.create(project, "command", content, actor=actor, now=now)
launching.launch(project, "command", configuration, launching.Request(), actor=actor, now=now)
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Up]:
    """One that tests share; each leaves it running."""
    with launched.running(tmp_path_factory.mktemp("up") / "data", database=database) as up:
        yield up


@pytest.fixture
def own(tmp_path: Path, own_database: str) -> Iterator[Up]:
    """One for a test that ends it."""
    with launched.running(tmp_path / "data", database=own_database) as up:
        yield up


@SHARED
def test_a_page_answers_and_the_login_that_was_shown_opens_it(up: Up) -> None:
    assert up.get() == 200
    password = PASSWORD.findall(up.output)
    assert len(password) == 1
    assert log_in(up, "admin@localhost", password[0]).endswith("/admin/")
    assert "/admin/login/" in log_in(up, "admin@localhost", "something else")


@SHARED
def test_the_demo_runs_from_the_command_line(up: Up, database: str) -> None:
    ended = launched.run("run", "Daily sales", "--wait", data=up.data, database=database)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Daily sales: success" in ended.stdout.splitlines()[-1]


@SHARED
def test_a_second_one_with_the_same_data_folder_is_refused(up: Up) -> None:
    second = launched.run("up", "--bind", "127.0.0.1:0", data=up.data)

    assert second.returncode == 1
    assert f"already runs with the data folder {up.data} (process {up.process.pid}, {up.address})" in second.stderr
    assert up.get() == 200


@SHARED
def test_a_taken_port_is_said_plainly(up: Up, tmp_path: Path) -> None:
    bind = urllib.parse.urlsplit(up.address).netloc

    second = launched.run("up", "--bind", bind, data=tmp_path / "other")

    assert second.returncode == 1
    assert f"The port of {bind} is taken" in second.stderr
    assert "Traceback" not in second.stderr


@SHARED
@pytest.mark.parametrize("service", ["tutti-web", "tutti-cluster", "tutti-scheduler"])
def test_a_killed_service_is_started_again(service: str, up: Up) -> None:
    before = up.service(service)

    os.kill(before, signal.SIGKILL)

    after = wait_for(lambda: up.service(service) not in {0, before} and up.service(service), what=f"a new {service}")
    assert after != before
    assert up.get() == 200
    wait_for(lambda: "was killed (SIGKILL); starting again" in up.output, what="a sentence about it")


@SHARED
def test_a_killed_web_worker_is_replaced(up: Up) -> None:
    (worker,) = wait_for(lambda: children_of(up.service("tutti-web")), what="a worker of the web server")

    os.kill(worker, signal.SIGKILL)

    wait_for(lambda: children_of(up.service("tutti-web")) not in ([], [worker]), what="another worker")
    assert up.get() == 200


def test_nothing_is_left_when_the_launcher_is_killed_not_even_a_component(own: Up, own_database: str) -> None:
    started = launched.run("shell", "-c", RUN_FOR_EVER, data=own.data, database=own_database)
    assert started.returncode == 0, started.stderr
    wait_for(lambda: any("sleep 86399" in command_of(pid) for pid in own.everything()), what="the component runs")

    own.end(signal.SIGKILL)

    wait_for(lambda: not own.everything(), what="nothing left")


def test_signals_stop_everything_and_a_second_start_shows_no_login(tmp_path: Path, own_database: str) -> None:
    with launched.running(tmp_path / "data", "--no-demo", database=own_database) as first:
        assert first.end(signal.SIGTERM) == 0

        assert not first.everything()
        assert first.output.rstrip().endswith("Stopped.")
        assert "Traceback" not in first.output
        assert len(PASSWORD.findall(first.output)) == 1

    with launched.running(tmp_path / "data", database=own_database) as second:
        assert "password" not in second.output
        project = launched.run("run", "Daily sales", data=second.data, database=own_database)
        assert "There is no orchestration" in project.stderr
        assert second.end(signal.SIGINT) == 0
        assert not second.everything()


def test_a_second_ctrl_c_does_not_wait_for_what_hangs(own: Up) -> None:
    os.kill(own.service("tutti-cluster"), signal.SIGSTOP)
    own.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "Ctrl-C again" in own.output, what="the first signal was heard")
    wait_for(lambda: not own.service("tutti-web"), what="the web server has stopped")
    assert own.process.poll() is None

    own.process.send_signal(signal.SIGINT)

    assert own.process.wait(30) == 0, own.output
    wait_for(lambda: not own.everything(), what="nothing left")


def test_the_administrator_can_be_given_by_the_environment(tmp_path: Path, own_database: str) -> None:
    given = {"ADMIN_EMAIL": "Root@Example.org", "ADMIN_PASSWORD": "a long enough secret"}

    with launched.running(tmp_path / "data", database=own_database, **given) as up:
        assert given["ADMIN_PASSWORD"] not in up.output
        assert "password" not in up.output
        assert log_in(up, "root@example.org", given["ADMIN_PASSWORD"]).endswith("/admin/")


def test_several_first_starts_at_once_make_one_administrator(tmp_path: Path, empty_database: str) -> None:
    folders = [tmp_path / "one", tmp_path / "two", tmp_path / "three"]
    starts = [
        subprocess.Popen(
            [sys.executable, "manage.py", "prepare"],
            cwd=ROOT,
            env=launched.build_environment(folder, empty_database, ENCRYPTION_KEY="x7" * 30),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for folder in folders
    ]

    outputs = [start.communicate(timeout=120)[0] for start in starts]

    assert [start.returncode for start in starts] == [0, 0, 0], outputs
    assert sum("shown this once" in output for output in outputs) == 1


def test_an_unreachable_database_is_said_plainly(tmp_path: Path) -> None:
    with socket.socket() as taken:
        # Bound, but nobody listens.
        taken.bind(("127.0.0.1", 0))
        url = f"postgres://tutti:secret@127.0.0.1:{taken.getsockname()[1]}/tutti"

        ended = launched.run("up", "--bind", "127.0.0.1:0", data=tmp_path / "data", database=url)

    assert ended.returncode == 1
    assert "cannot be reached" in ended.stderr
    assert "Tutti cannot start." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr


def test_a_data_folder_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    ended = launched.run("up", "--bind", "127.0.0.1:0", "--data", str(tmp_path / "file" / "data"), data=tmp_path)

    assert ended.returncode == 1
    assert f"The data folder {tmp_path}/file/data cannot be written" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"WORKERS": "many"}, "TUTTI_WORKERS must be a number"),
        ({"LOG_LEVEL": "loud"}, "TUTTI_LOG_LEVEL must be one of DEBUG,"),
        ({"HEARTBEAT_SECONDS": "40"}, "jobs.E005"),
        ({"ADMIN_EMAIL": "nobody"}, "TUTTI_ADMIN_EMAIL 'nobody'"),
    ],
)
def test_a_wrong_setting_is_said_plainly(setting: dict[str, str], sentence: str, tmp_path: Path) -> None:
    ended = launched.run("up", "--bind", "127.0.0.1:0", data=tmp_path / "data", **setting)

    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_old_python_is_told_so() -> None:
    pretend = "import runpy, sys; sys.version_info = (3, 10, 4); sys.argv = ['manage.py', 'up']; "

    ended = subprocess.run(
        [sys.executable, "-c", pretend + "runpy.run_path('manage.py', run_name='__main__')"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.strip() == "Tutti needs Python 3.11 or newer; this is 3.10."


def test_a_cluster_stops_when_its_lifeline_is_cut(tmp_path: Path, own_database: str) -> None:
    """Where there is no signal from the kernel, the pipe must do."""
    launched.run("prepare", "--no-demo", data=tmp_path, database=own_database)
    reading, writing = os.pipe()
    cluster = subprocess.Popen(
        [sys.executable, "manage.py", "cluster"],
        cwd=ROOT,
        env=launched.build_environment(tmp_path, own_database, LIFELINE_FD=str(reading)),
        pass_fds=[reading],
    )
    os.close(reading)
    wait_for(lambda: children_of(cluster.pid), what="the cluster's processes")

    os.close(writing)

    assert cluster.wait(60) == 0


def log_in(up: Up, email: str, password: str) -> str:
    """Where the person ends up."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = f"{up.address}admin/login/?next=/admin/"
    form = opener.open(page, timeout=30).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token is not None
    fields = {"csrfmiddlewaretoken": token.group(1), "username": email, "password": password}
    answer = opener.open(page, urllib.parse.urlencode(fields).encode(), timeout=30)
    return str(answer.url)


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
