"""R1, R2: phases in order, tasks of a phase together, and what stops a run."""

from __future__ import annotations

import pytest

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Project
from tests import builders
from tests.builders import task

pytestmark = pytest.mark.django_db(transaction=True)


def test_phases_run_one_after_another_and_tasks_of_a_phase_together(project: Project) -> None:
    first, second, third = (builders.build_configuration(project, name=name) for name in "ABC")
    orchestration = builders.build_orchestration(project, [task(first), task(second)], [task(third)])
    cluster = builders.build_cluster()

    run = builders.launch(orchestration)
    claims = builders.claim(cluster)

    assert sorted(Job.objects.get(pk=each.job_id).name for each in claims) == ["A", "B"]
    builders.end(claims[0])
    assert builders.claim(cluster) == []
    builders.end(claims[1])
    assert builders.drain(cluster) == ["C"]
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCESS
