"""State and manifests that a process leaves: kept when they are good, else an error that names the file."""

from __future__ import annotations

import pytest

from jobs.states import JobStatus
from orchestrations.models import Project
from tests.jobs.misbehaving.leftovers import assert_nothing_is_left, log_of
from tests.jobs.performing import Performer, build_python

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert_nothing_is_left(job)


def test_a_manifest_with_an_impossible_name_does_no_harm(project: Project, performer: Performer) -> None:
    job = performer.run(build_python(project, "open(b'out/tables/\\xff\\n.manifest', 'w').write('x')"))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "application")
    assert "out/tables" in job.message
