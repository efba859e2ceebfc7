"""A component says how far it is; the worker copies that into its job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs import progress
from jobs.models import Job
from jobs.preparing import Attempt
from orchestrations.models import Project
from tests import builders
from tests.clusters import wait_for
from tests.jobs.performing import Performer, build_python

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def attempt(project: Project) -> Attempt:
    builders.launch(builders.build_configuration(project))
    (claim,) = builders.claim(builders.build_cluster(), most=1)
    attempt = Attempt(claim.job_id, claim.fence)
    (attempt.folder / "tmp").mkdir(parents=True)
    return attempt


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('{"done": 3, "total": 10, "text": "orders"}', {"done": 3, "total": 10, "text": "orders"}),
        ('{"done": 0.5}', {"done": 0.5, "total": None, "text": ""}),
        (json.dumps({"done": 1, "text": "x" * 1000}), {"done": 1, "total": None, "text": "x" * 200}),
        ('{"done": "much"}', None),
        ('{"done": true}', None),
        ('{"done": -1}', None),
        ('{"done": 1, "total": "?"}', None),
        ('{"done": 1, "text": 5}', None),
        ("[1]", None),
        ('{"done": 1', None),
        ('{"text": "' + "x" * 5000 + '"}', None),
    ],
)
def test_what_it_says_is_kept_and_what_makes_no_sense_is_not(
    said: str, kept: dict[str, Any] | None, attempt: Attempt
) -> None:
    Path(attempt.progress_file).write_text(said)

    progress.Reader(attempt).copy()

    assert Job.objects.get(pk=attempt.job_id).progress == kept


def test_only_changes_are_written_at_most_once_a_second(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    moment = [100.0]
    monkeypatch.setattr("jobs.progress.time.monotonic", lambda: moment[0])
    reader, file = progress.Reader(attempt), Path(attempt.progress_file)
    for seconds, writes, said in [(0, 0, ""), (1, 1, "1"), (1.5, 0, "2"), (2, 1, ""), (3, 0, "")]:
        moment[0] = 100 + seconds
        if said:
            draft = file.with_name("draft")
            draft.write_text(f'{{"done": {said}}}')
            draft.replace(file)
        with django_assert_num_queries(writes):
            reader.copy()

    Job.objects.update(fence="another")
    draft.write_text('{"done": 3}')
    draft.replace(file)
    moment[0] = 110
    reader.copy()
    assert Job.objects.get(pk=attempt.job_id).progress == {"done": 2, "total": None, "text": ""}


def test_a_running_component_is_followed(project: Project) -> None:
    code = (
        "import os, time\n"
        "file = os.environ['TUTTI_PROGRESS_FILE']\n"
        "open(file + '.new', 'w').write('{\"done\": 1, \"total\": 2}')\n"
        "os.replace(file + '.new', file)\n"
        "while not os.path.exists('go'): time.sleep(0.02)\n"
    )
    job = builders.launch(build_python(project, code))
    performer = Performer()

    with performer.performing():
        wait_for(lambda: Job.objects.get(pk=job.pk).progress == {"done": 1, "total": 2, "text": ""}, what="progress")
        (Attempt(job.pk, Job.objects.get(pk=job.pk).fence).data / "go").touch()
    performer.worker.nursery.close()
