"""A real cluster: it runs what is launched, one or several, and ends clean."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobs.models import Cluster, Job
from jobs.states import JobStatus
from orchestrations.models import Project
from tests import builders
from tests.builders import task
from tests.clusters import RunningCluster, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_a_cluster_runs_an_orchestration_to_its_end_and_stops_clean(
    project: Project, start_cluster: Callable[..., RunningCluster]
) -> None:
    first, second, third = (builders.build_configuration(project) for _ in range(3))
    orchestration = builders.build_orchestration(project, [task(first), task(second)], [task(third)])
    cluster = start_cluster()

    run = builders.launch(orchestration)
    wait_for(lambda: Job.objects.get(pk=run.pk).is_settled, what="the run has settled")
    code = cluster.stop()

    assert [job.status for job in Job.objects.all()] == [JobStatus.SUCCESS] * 4
    assert code == 0
    wait_for(lambda: not cluster.survivors(), seconds=5, what="nothing of the cluster lives")
    assert Cluster.objects.get().stopped_at is not None
