"""Time, output, disk and memory: who takes too much is stopped, and told what was too much."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.states import JobStatus
from orchestrations.models import Project
from tests.jobs.misbehaving.leftovers import assert_nothing_is_left, log_of
from tests.jobs.performing import Performer, build_python

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_time_limit_ends_it(project: Project, performer: Performer) -> None:
    job = performer.run(build_python(project, "import time; time.sleep(60)", timeout_seconds=0.3))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "user")
    assert "0.3" in job.message
    assert_nothing_is_left(job)


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
    assert_nothing_is_left(job)


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
    assert_nothing_is_left(job)


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
    assert_nothing_is_left(job)
