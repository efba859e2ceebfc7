"""R12 with tables: a worker or a cluster is killed while the program of tables works; nothing is half, or twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.models import Job, TableImport, TableUpdate
from jobs.states import JobStatus
from orchestrations.models import Project, Table
from tests import builders, clusters
from tests.clusters import RunningCluster, wait_for
from tests.jobs.carrying.world import build, writing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

BOTH = {
    "output": {
        "tables": [
            {"source": "orders.csv", "destination": "out.c-x.orders", "primary_key": ["id"]},
            {"source": "more.csv", "destination": "out.c-x.more"},
        ]
    }
}


def frozen_program(job: Job, verb: str) -> int:
    """The program of tables, stopped at that verb as early as it is seen."""

    def found() -> int | None:
        job.refresh_from_db()
        # By the fence too: other tests' jobs on this machine have the same numbers.
        for pid in clusters.marked(f"{job.pk}:{job.fence}") if job.fence else []:
            if f"tables-{verb}.json".encode() in clusters.command_of(pid):
                return pid
        assert not job.is_settled, "it went too fast to be caught"
        return None

    pid = wait_for(found, what=f"the program at {verb}") or 0
    os.kill(pid, signal.SIGSTOP)
    return pid


@pytest.mark.parametrize("verb", ["stage", "commit"])
@pytest.mark.parametrize("role", ["worker", "main"])
def test_whoever_is_killed_the_tables_are_loaded_once_and_the_component_is_not_run_again(
    role: str, verb: str, project: Project, start_cluster: Callable[..., RunningCluster], tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    code = writing("id\n1\n2\n") + writing("id\n3\n", "more.csv") + f"open({str(ran)!r}, 'a').write('x')"
    cluster = start_cluster(GRACE_SECONDS=1, WORKERS=1)
    job = builders.launch(build(project, code, BOTH))
    pid = frozen_program(job, verb)
    job.refresh_from_db()

    if role == "worker":
        os.kill(cluster.worker_of(job.worker), signal.SIGKILL)
    else:
        cluster.kill("main")
        start_cluster(WORKERS=1)

    wait_for(lambda: Job.objects.get(pk=job.pk).is_settled, 60, what="the job has settled")
    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESS, job.message
    assert ran.read_text() == "x"
    assert sorted(Table.objects.values_list("name", "rows", "revision")) == [("more", 1, 1), ("orders", 2, 1)]
    assert TableUpdate.objects.filter(job=job, revision=1).count() == TableUpdate.objects.count() == 2
    assert TableImport.objects.filter(plan={}, revision=1).count() == TableImport.objects.count() == 2
    assert pid not in clusters.marked(f"{job.pk}:{job.fence}")
