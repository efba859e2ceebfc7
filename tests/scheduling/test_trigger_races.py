"""Event triggers beside each other, beside starting runs, and cut off anywhere: no update is lost (R16)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from jobs import advancing
from jobs.models import Job, WatchedTable
from jobs.states import JobStatus
from orchestrations.models import Configuration, Table
from scheduling import triggering
from scheduling.models import Evaluation
from tests import builders
from tests.builders import NOW
from tests.jobs.racing import ROUNDS, race, unexpected
from tests.scheduling.updates import evaluate, finish, start, update

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.mark.django_db(transaction=True)
def test_two_updates_in_one_moment_make_one_run(orchestration: Configuration, orders: Table, accounts: Table) -> None:
    builders.build_trigger(orchestration, orders, accounts)

    def importing(table: Table) -> int:
        update(table)
        return len(triggering.evaluate_updates(now=NOW).run_ids)

    for count in range(1, ROUNDS + 1):
        results = race(lambda: importing(orders), lambda: importing(accounts))
        assert unexpected(results) == []
        evaluate(NOW)
        assert Job.objects.roots().count() == count
        job = Job.objects.get(status=JobStatus.WAITING)
        start(job, NOW - 10 * MINUTE)
        finish(job, NOW - 10 * MINUTE)


@pytest.mark.django_db(transaction=True)
def test_an_update_beside_the_start_of_a_run_is_never_lost(orchestration: Configuration, orders: Table) -> None:
    """Either the run that starts has read it, or the next one is created for it."""
    builders.build_trigger(orchestration, orders, cool_down_minutes=1)
    # After the end of a run the next one starts by the clock: what is evaluated is long after its cool-down.
    later = timezone.now() + timedelta(days=1)

    def importing() -> None:
        update(orders)
        triggering.evaluate_updates(now=later)

    for _ in range(ROUNDS):
        update(orders)
        (job,) = evaluate(later)
        results = race(importing, partial(advancing.start, job.pk, now=NOW))
        assert unexpected(results) == []
        evaluate(later)
        baseline, revision = WatchedTable.objects.get().baseline_revision, Table.objects.get(pk=orders.pk).revision
        following = Job.objects.roots().filter(status=JobStatus.WAITING).first()
        assert (baseline == revision) is (following is None)
        finish(job, NOW)
        if following is not None:
            following.refresh_from_db()
            assert following.status == JobStatus.PROCESSING
            finish(following, NOW)


@pytest.mark.django_db(transaction=True)
def test_a_crash_between_update_and_evaluation_loses_nothing(
    orchestration: Configuration, orders: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    builders.build_trigger(orchestration, orders)
    update(orders)

    class PowerCut(BaseException):
        pass

    def cut(*args: object, **kwargs: object) -> None:
        raise PowerCut

    for place in ("examine", "_create_job"):
        with monkeypatch.context() as patch, pytest.raises(PowerCut):
            patch.setattr(triggering, place, cut)
            triggering.evaluate_updates(now=NOW)
        connection.close()
        assert triggering.is_anything_pending()
        assert not Evaluation.objects.exists()
        assert not Job.objects.exists()

    assert len(evaluate(NOW)) == 1
