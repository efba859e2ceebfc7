"""An orchestration of one hour that is scheduled every 30 minutes, from the dialog to the runs (R5, R17)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs import advancing, claiming
from jobs.claiming import Claim, Claimant
from jobs.ends import End
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project
from scheduling import ticking
from scheduling.models import Schedule
from tests import builders
from tests.builders import task

pytestmark = pytest.mark.django_db
HALF, HOUR = timedelta(minutes=30), timedelta(hours=1)
TICKS = 7


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    """It has run once, for an hour."""
    daily = builders.build_orchestration(project, [task(builders.build_configuration(project))], name="Daily load")
    done, start = builders.launch(daily), timezone.now() - timedelta(days=1)
    ended = {"status": JobStatus.SUCCESS, "created_at": start, "started_at": start, "finished_at": start + HOUR}
    Job.objects.filter(pk=done.pk).update(**ended)
    return daily


class Days:
    """What schedulers and workers do, at the moments that are given; every task takes an hour."""

    def __init__(self) -> None:
        self.claimant: Claimant = builders.build_cluster()
        self.working: list[tuple[Claim, datetime]] = []

    def pass_to(self, now: datetime) -> None:
        for claim, since in [each for each in self.working if each[1] + HOUR <= now]:
            assert advancing.settle(claim.job_id, claim.fence, End(status=JobStatus.SUCCESS), now=now)
            self.working.remove((claim, since))
        advancing.start_waiting_runs(now=now)
        for run_id in ticking.tick(now=now).run_ids:
            advancing.start(run_id, now=now)
        self.working += [(claim, now) for claim in claiming.claim(self.claimant, now=now)]


def test_the_dialog_says_so_and_the_jobs_wait_one_behind_another(
    orchestration: Configuration, as_alice: Client
) -> None:
    url = reverse("schedule-new", args=[orchestration.project_id, orchestration.pk])
    form = {"mode": "custom", "was": "x", "expression": "*/30 * * * *"}

    assert "would start every 30 min: jobs will pile up" in as_alice.post(url, form).text
    as_alice.post(url, {**form, "was": form["expression"], "action": "save"})

    first = Schedule.objects.get(orchestration=orchestration).next_run_at
    assert first is not None
    days = Days()
    for count in range(TICKS):
        days.pass_to(first + count * HALF)
        assert orchestration.jobs.active().count() == 1
        assert len(days.working) == 1

    runs = list(orchestration.jobs.filter(cause="schedule").order_by("pk"))
    assert [run.created_at for run in runs] == [first + count * HALF for count in range(TICKS)]
    begun = [run for run in runs if run.started_at]
    assert [run.started_at for run in begun] == [first + count * HOUR for count in range(4)]
    assert begun == runs[:4]
    assert [run.finished_at for run in begun[:3]] == [run.started_at for run in begun[1:]]
    assert [run.status for run in runs[4:]] == [JobStatus.WAITING] * 3
    page = as_alice.get(reverse("job", args=[orchestration.project_id, runs[-1].pk])).text
    assert "of the same orchestration is processing" in page
