"""What components may do to us, as real processes: each ends with a clear sentence and leaves nothing behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Project
from tests import builders, clusters
from tests.clusters import wait_for
from tests.jobs.performing import Performer, build_python

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "s3cr3t-value-of-the-database"


@pytest.fixture
def performer(db: None, settings: Any) -> Iterator[Performer]:
    settings.GRACE_SECONDS = 0.5
    settings.LEASE_SECONDS = 20
    performer = Performer()
    yield performer
    performer.worker.nursery.close()


def folders_of(job: Job) -> list[Path]:
    """What is left of the job's data, whatever the folder is called: its name begins with the id."""
    folder = Path(settings.DATA_DIR) / "jobs"
    return [each for each in folder.glob(f"{job.pk}*") if re.fullmatch(rf"{job.pk}\D?.*", each.name)]


def log_of(job: Job) -> str:
    return "".join(job.log_chunks.values_list("text", flat=True))


def check_that_nothing_is_left(job: Job) -> None:
    assert clusters.marked(f"{job.pk}:{job.fence}") == []
    wait_for(lambda: not folders_of(job), seconds=10, what="the data folder is removed")


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
    check_that_nothing_is_left(job)


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
    check_that_nothing_is_left(job)


def test_a_time_limit_ends_it(project: Project, performer: Performer) -> None:
    job = performer.run(build_python(project, "import time; time.sleep(60)", timeout_seconds=0.3))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "user")
    assert "0.3" in job.message
    check_that_nothing_is_left(job)


@pytest.mark.slow
def test_a_hundred_megabytes_of_output_are_cut_with_a_mark_and_do_no_harm(
    project: Project, performer: Performer, settings: Any
) -> None:
    settings.LOG_LIMIT_BYTES = 100_000
    code = (
        "import os\nline = b'x' * 9999 + b'\\n'\nfor _ in range(10_000): os.write(1, line)\nos.write(2, b'the end\\n')"
    )

    job = performer.run(build_python(project, code))

    assert job.status == JobStatus.SUCCESS
    text = log_of(job)
    assert len(text) < 150_000
    assert "truncated" in text
    check_that_nothing_is_left(job)


def test_a_line_without_an_end_does_no_harm(project: Project, performer: Performer) -> None:
    job = performer.run(build_python(project, "import sys; sys.stdout.write('y' * 3_000_000)"))

    assert job.status == JobStatus.SUCCESS
    assert "yyyy" in log_of(job)


def test_binary_output_is_shown_with_replacements_in_log_and_message(project: Project, performer: Performer) -> None:
    code = (
        "import os, sys\n"
        "os.write(1, bytes(range(256)) * 40)\n"
        "os.write(1, 'Grüße \\U0001f600'.encode() + b'\\n')\n"
        "os.write(2, b'\\x00\\xff\\xfe broken \\x00\\n')\n"
        "sys.exit(1)"
    )

    job = performer.run(build_python(project, code))

    assert job.status == JobStatus.ERROR
    assert "broken" in job.message
    assert "\x00" not in job.message + log_of(job)
    assert "Grüße \U0001f600" in log_of(job)


@pytest.mark.parametrize("code_of_exit", [0, 1])
def test_a_secret_is_masked_in_log_message_result_and_events(
    project: Project, performer: Performer, code_of_exit: int
) -> None:
    code = (
        "import os, sys, base64\n"
        "secret = os.environ['PASSWORD']\n"
        "print('connecting with', secret)\n"
        "sys.stdout.write(secret[:5]); sys.stdout.flush()\n"
        "sys.stdout.write(secret[5:] + '\\n'); sys.stdout.flush()\n"
        "sys.stderr.write(f'login failed: {secret}\\n')\n"
        f"sys.exit({code_of_exit})"
    )

    job = performer.run(build_python(project, code, environment={"#PASSWORD": SECRET}))

    seen = log_of(job) + job.message + str(job.result) + str(list(job.events.values_list("message", "data")))
    assert job.status == (JobStatus.ERROR if code_of_exit else JobStatus.SUCCESS)
    assert seen.count("*****") >= 2
    assert SECRET not in seen
    assert job.configuration is not None
    assert SECRET not in str(list(job.configuration.versions.values_list("document", flat=True)))
    assert SECRET not in str(job.configuration.document)


def test_nothing_of_our_environment_reaches_it(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTTI_SECRET_KEY", "the-key-of-this-site")
    monkeypatch.setenv("DATABASE_URL", "postgres://user:password@host/db")

    job = performer.run(
        build_python(project, "import os; print(sorted(os.environ)); print(os.listdir('/proc/self/fd'))")
    )

    text = log_of(job)
    assert "SECRET_KEY" not in text
    assert "DATABASE_URL" not in text
    assert "'KBC_DATADIR'" in text
    assert "['0', '1', '2', '3']" in text


@pytest.mark.parametrize(("allowed", "told"), [(["10.0.0.0/8", "nas"], "10.0.0.0/8,nas"), (True, "yes"), (False, "no")])
def test_it_is_told_what_the_administrator_allows(
    project: Project, performer: Performer, settings: Any, allowed: object, told: str
) -> None:
    settings.FILES_DIRS, settings.ALLOW_PRIVATE_ADDRESSES = ["/srv/in:ro", "/srv/out"], allowed
    code = "import os; print(os.environ['TUTTI_FILES_DIRS'], os.environ['TUTTI_ALLOW_PRIVATE_ADDRESSES'])"

    job = performer.run(build_python(project, code))

    assert f"/srv/in:ro,/srv/out {told}" in log_of(job)


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
    check_that_nothing_is_left(job)


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
    check_that_nothing_is_left(job)


@pytest.mark.slow
def test_one_that_fills_the_disk_is_stopped(project: Project, performer: Performer, settings: Any) -> None:
    settings.JOB_DISK_LIMIT_BYTES = 20_000_000
    code = (
        "import time\n"
        "with open('out/files/big', 'wb') as file:\n"
        "    for _ in range(100):\n"
        "        file.write(b'z' * 1_000_000); file.flush(); time.sleep(0.02)\n"
        "time.sleep(30)"
    )

    job = performer.run(build_python(project, code))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "user")
    assert "19.1 MB" in job.message
    assert "disk" in job.message
    check_that_nothing_is_left(job)


@pytest.mark.slow
def test_one_that_takes_too_much_memory_is_stopped(project: Project, performer: Performer, settings: Any) -> None:
    settings.JOB_MEMORY_LIMIT_BYTES = 60_000_000
    code = (
        "import time\n"
        "kept = []\n"
        "for _ in range(40):\n"
        "    kept.append(bytearray(5_000_000)); time.sleep(0.02)\n"
        "time.sleep(30)"
    )

    job = performer.run(build_python(project, code))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "user")
    assert "memory" in job.message
    check_that_nothing_is_left(job)


STATE = "out/state.json"
MALFORMED = {
    "not JSON": (STATE, "open({name!r}, 'w').write('{{')"),
    "not an object": (STATE, "open({name!r}, 'w').write('[1]')"),
    "empty": (STATE, "open({name!r}, 'w')"),
    "not UTF-8": (STATE, "open({name!r}, 'wb').write(b'\\xff\\xfe')"),
    "NUL": (STATE, "open({name!r}, 'w').write('{{\"a\": \"\\\\\\\\u0000\"}}')"),
    "half a surrogate": (STATE, "open({name!r}, 'w').write('{{\"a\": \"\\\\\\\\ud800\"}}')"),
    "not a number": (STATE, "open({name!r}, 'w').write('{{\"a\": NaN}}')"),
    "deep": (STATE, "open({name!r}, 'w').write('{{\"a\":' * 5000 + '1' + '}}' * 5000)"),
    "huge": (STATE, "open({name!r}, 'w').write('{{\"a\": \"' + 'x' * 2_000_000 + '\"}}')"),
    "a folder": (STATE, "os.mkdir({name!r})"),
    "a pipe": (STATE, "os.mkfifo({name!r})"),
    "a link out of the folder": (STATE, "os.symlink('/etc/hostname', {name!r})"),
    "a link to a device": (STATE, "os.symlink('/dev/zero', {name!r})"),
    "manifest not JSON": ("out/tables/t.csv.manifest", "open({name!r}, 'w').write('x')"),
    "manifest a pipe": ("out/tables/t.csv.manifest", "os.mkfifo({name!r})"),
    "manifest a circle of links": ("out/files/t.manifest", "os.symlink('t.manifest', {name!r})"),
}


@pytest.mark.parametrize(("name", "code"), MALFORMED.values(), ids=list(MALFORMED))
def test_malformed_output_is_an_error_that_names_the_file_and_keeps_nothing(
    project: Project, performer: Performer, name: str, code: str
) -> None:
    configuration = build_python(project, "import os\n" + code.format(name=name).replace("\\\\\\\\", "\\\\"))

    job = performer.run(configuration)

    configuration.refresh_from_db()
    assert (job.status, job.error_type) == (JobStatus.ERROR, "application")
    assert name in job.message
    assert configuration.state == {}
    check_that_nothing_is_left(job)


def test_a_manifest_with_an_impossible_name_does_no_harm(project: Project, performer: Performer) -> None:
    job = performer.run(build_python(project, "open(b'out/tables/\\xff\\n.manifest', 'w').write('x')"))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "application")
    assert "out/tables" in job.message


def test_one_that_removes_its_whole_folder_does_no_harm(project: Project, performer: Performer) -> None:
    code = "import os, shutil; shutil.rmtree(os.path.dirname(os.environ['KBC_DATADIR']), ignore_errors=True)"

    job = performer.run(build_python(project, code))

    assert job.is_settled
    check_that_nothing_is_left(job)


def test_good_state_comes_back_the_next_time(project: Project, performer: Performer) -> None:
    code = (
        "import json\n"
        "seen = json.load(open('in/state.json')).get('seen', 0)\n"
        "json.dump({'seen': seen + 1}, open('out/state.json', 'w'))\n"
        "print('seen', seen)"
    )
    configuration = build_python(project, code)

    logs = [log_of(performer.run(configuration)) for _ in range(2)]

    configuration.refresh_from_db()
    assert ["seen 0" in logs[0], "seen 1" in logs[1]] == [True, True]
    assert configuration.state == {"component": {"seen": 2}}


def test_the_test_itself_sees_marked_processes(project: Project, performer: Performer) -> None:
    """Were ``marked`` blind, the tests above could not fail."""
    job = builders.launch(build_python(project, "import time; time.sleep(60)", timeout_seconds=2))

    with performer.performing():
        job.refresh_from_db()
        seen = wait_for(lambda: clusters.marked(f"{job.pk}:{job.fence}"), seconds=10)

    assert seen
    assert clusters.marked(f"{job.pk}:{job.fence}") == []
