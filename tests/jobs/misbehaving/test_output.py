"""What a process says, whatever that is: shown whole, readable, and without its secrets."""

from __future__ import annotations

import pytest

from jobs.states import JobStatus
from orchestrations.models import Project
from tests.jobs.misbehaving.leftovers import log_of
from tests.jobs.performing import Performer, build_python

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "s3cr3t-value-of-the-database"


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
