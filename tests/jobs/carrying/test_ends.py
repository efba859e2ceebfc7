"""What the user is told at each exit code, and which ends keep the state that the component left (DESIGN §6)."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Project, Table
from tests.jobs.carrying.world import build, declared, writing
from tests.jobs.performing import Performer

pytestmark = pytest.mark.django_db(transaction=True)

STATE = "open('out/state.json', 'w').write('{\"seen\": 2}')\n"
GOOD = writing("id\n1\n") + STATE
LINK_IN_SLICES = "import os\nos.mkdir('out/tables/orders.csv')\nos.symlink({target!r}, 'out/tables/orders.csv/part')\n"


def log_of(job: Job) -> str:
    return "".join(job.log_chunks.order_by("sequence").values_list("text", flat=True))


@pytest.mark.parametrize("code", [2, 3, 255])
def test_an_exit_code_above_1_gives_a_plain_sentence_and_leaves_the_details_to_the_log(
    code: int, project: Project, performer: Performer
) -> None:
    said = f"import sys\nprint('KeyError: total', file=sys.stderr)\nsys.exit({code})"

    job = performer.run(build(project, said))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "application")
    assert job.message == f"The component failed with an internal error (exit code {code}). Its log says more."
    assert job.result == {"message": job.message, "error": {"type": "application"}}
    assert "KeyError: total" in log_of(job)


def test_the_message_at_exit_code_1_is_what_the_component_said(project: Project, performer: Performer) -> None:
    said = "import sys\nprint('Reading.')\nprint('Column total is missing.', file=sys.stderr)\nsys.exit(1)"

    job = performer.run(build(project, said))

    assert (job.status, job.error_type, job.message) == (JobStatus.ERROR, "user", "Column total is missing.")
    assert job.result == {"message": job.message, "error": {"type": "user"}}


@pytest.mark.parametrize(
    ("code", "storage", "kept"),
    [
        (GOOD, declared(), {"component": {"seen": 2}}),
        (GOOD + "raise SystemExit(1)", declared(), {}),
        (GOOD + "raise SystemExit(2)", declared(), {}),
        (GOOD + "import os; os.kill(os.getpid(), 9)", declared(), {}),
        (STATE, declared(), {}),
        (writing("id\n1,2\n") + STATE, declared(), {}),
        (GOOD, {}, {}),
    ],
    ids=["success", "exit 1", "exit 2", "killed", "output missing", "output malformed", "no destination"],
)
def test_state_and_tables_are_kept_only_when_the_job_succeeds(
    code: str, storage: dict[str, Any], kept: dict[str, Any], project: Project, performer: Performer
) -> None:
    configuration = build(project, code, storage)

    job = performer.run(configuration)

    configuration.refresh_from_db()
    assert (job.status == JobStatus.SUCCESS) == bool(kept)
    assert configuration.state == kept
    assert Table.objects.exists() == bool(kept)


def test_a_failure_leaves_the_state_of_the_last_success(project: Project, performer: Performer) -> None:
    code = (
        "import json\nseen = json.load(open('in/state.json')).get('seen', 0)\n"
        "json.dump({'seen': seen + 1}, open('out/state.json', 'w'))\n"
        "raise SystemExit('Enough.' if seen else 0)"
    )
    configuration = build(project, code)

    ends = [performer.run(configuration).status for _ in range(2)]

    configuration.refresh_from_db()
    assert ends == [JobStatus.SUCCESS, JobStatus.ERROR]
    assert configuration.state == {"component": {"seen": 1}}


@pytest.mark.parametrize("target", ["/etc/hostname", "/etc", "../../../../../secret", "part"])
def test_a_slice_that_is_a_link_out_of_the_job_is_refused(target: str, project: Project, performer: Performer) -> None:
    manifest = "import json; json.dump({'columns': ['line']}, open('out/tables/orders.csv.manifest', 'w'))"

    job = performer.run(build(project, LINK_IN_SLICES.format(target=target) + manifest, declared()))

    assert (job.status, job.error_type) == (JobStatus.ERROR, "user")
    assert "out/tables/orders.csv/part: expected a file" in job.message
    assert not Table.objects.exists()
