"""How a process ends, and what it leaves running: each ends with a clear sentence and leaves nothing behind."""

from __future__ import annotations

import re
from typing import Any

import pytest

from jobs.states import JobStatus
from orchestrations.models import Project
from tests import builders, clusters
from tests.clusters import wait_for
from tests.jobs.misbehaving.leftovers import assert_nothing_is_left
from tests.jobs.performing import Performer, build_python

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("code", "status", "message", "kind"),
    [
        ("pass", JobStatus.SUCCESS, "^$", ""),
        ("import sys; sys.exit('The table is empty.')", JobStatus.ERROR, "^The table is empty.$", "user"),
        ("import sys; sys.exit(1)", JobStatus.ERROR, "exit code 1 and said nothing", "user"),
        ("raise ValueError('bad value')", JobStatus.ERROR, "^ValueError: bad value$", "user"),
        ("import sys; sys.stderr.write('stack'); sys.exit(2)", JobStatus.ERROR, r"exit code 2", "application"),
        ("import os; os.kill(os.getpid(), 9)", JobStatus.ERROR, "killed by SIGKILL", "application"),
        ("import os; os.abort()", JobStatus.ERROR, "killed by SIGABRT", "application"),
    ],
)
def test_the_exit_code_decides(
    project: Project, performer: Performer, code: str, status: JobStatus, message: str, kind: str
) -> None:
    job = performer.run(build_python(project, code))

    assert (job.status, job.error_type) == (status, kind)
    assert re.search(message, job.message), job.message
    assert_nothing_is_left(job)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"command": ["no-such-program-anywhere"]}, "no-such-program-anywhere"),
        ({"command": ["/etc/passwd"]}, "/etc/passwd"),
        ({"command": ["true"], "working_directory": "/no/such/folder"}, "/no/such/folder"),
        ({"command": ["true"], "working_directory": "/etc/passwd"}, "/etc/passwd"),
    ],
)
def test_what_cannot_be_started_is_the_users_error_with_its_name(
    project: Project, performer: Performer, parameters: dict[str, Any], sentence: str
) -> None:
    job = performer.run(build_python(project, "pass", **parameters))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "user")
    assert sentence in job.message
    assert_nothing_is_left(job)


ESCAPES = {
    "children": "import subprocess, sys\nfor _ in range(3): subprocess.Popen(['sleep', '300'])",
    "daemon": (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        for fd in range(3): os.close(fd)\n"
        "        os.execvp('sleep', ['sleep', '300'])\n"
        "    os._exit(0)\n"
        "os.wait()"
    ),
    "holds the output open": "import subprocess; subprocess.Popen(['sleep', '300'], start_new_session=True)",
}


@pytest.mark.parametrize("code", ESCAPES.values(), ids=list(ESCAPES))
def test_what_it_leaves_behind_is_killed_and_its_own_end_counts(
    project: Project, performer: Performer, code: str
) -> None:
    job = performer.run(build_python(project, code))

    assert job.status == JobStatus.SUCCESS
    assert_nothing_is_left(job)


@pytest.mark.slow
def test_one_that_ignores_sigterm_is_killed_with_all_it_started(project: Project, performer: Performer) -> None:
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(60)"
    )

    job = performer.run(build_python(project, code, timeout_seconds=0.5))

    assert job.status == JobStatus.ERROR
    assert_nothing_is_left(job)


def test_one_that_removes_its_whole_folder_does_no_harm(project: Project, performer: Performer) -> None:
    code = "import os, shutil; shutil.rmtree(os.path.dirname(os.environ['KBC_DATADIR']), ignore_errors=True)"

    job = performer.run(build_python(project, code))

    assert job.is_settled
    assert_nothing_is_left(job)


def test_the_test_itself_sees_marked_processes(project: Project, performer: Performer) -> None:
    """Were ``marked`` blind, the tests above could not fail."""
    job = builders.launch(build_python(project, "import time; time.sleep(60)", timeout_seconds=2))

    with performer.performing():
        job.refresh_from_db()
        seen = wait_for(lambda: clusters.marked(f"{job.pk}:{job.fence}"), seconds=10)

    assert seen
    assert clusters.marked(f"{job.pk}:{job.fence}") == []
