"""Event triggers: all tables updated since the last execution, by revision, and at most once a cool-down (R16)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from jobs import advancing, pausing
from jobs.models import Cause, Job, TableUpdate, WatchedTable
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.access import Actor
from orchestrations.models import Bucket, Configuration, Project, Table, User
from scheduling import setting_triggers, triggering
from scheduling.models import Evaluation, EventTrigger, FiresWhen
from scheduling.setting_triggers import Wanted
from tests import builders
from tests.builders import NOW, task
from tests.scheduling.updates import evaluate, finish, start, update

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def verdicts() -> list[str]:
    return list(Evaluation.objects.order_by("pk").values_list("verdict", flat=True))


def last_sentence() -> str:
    return str(Evaluation.objects.order_by("pk").values_list("sentence", flat=True).last())


def test_it_fires_when_all_tables_were_updated(orchestration: Configuration, orders: Table, accounts: Table) -> None:
    builders.build_trigger(orchestration, orders, accounts)

    update(orders)
    assert evaluate(NOW) == []
    assert last_sentence() == "Not fired: in.c-sales.accounts still awaited."
    update(orders)
    update(accounts)
    (job,) = evaluate(NOW)

    assert (job.cause, job.cause_detail) == (Cause.TRIGGER, "on in.c-sales.accounts and in.c-sales.orders")
    assert Evaluation.objects.get(verdict="fired").job == job
    assert not TableUpdate.objects.filter(evaluated_at__isnull=True).exists()


def test_tables_every_ten_minutes_with_a_cool_down_of_fifty(
    orchestration: Configuration, orders: Table, accounts: Table
) -> None:
    """The example of the issue: it runs every 50 to 60 minutes."""
    builders.build_trigger(orchestration, orders, accounts, cool_down_minutes=50)
    starts: list[datetime] = []

    for minute in range(0, 5 * 60, 10):
        update(orders, NOW + minute * MINUTE)
        update(accounts, NOW + (minute + 3) * MINUTE)
        now = NOW + (minute + 3) * MINUTE + SECOND
        for job in evaluate(now):
            start(job, now)
            finish(job, now)
            starts.append(now)

    between = [later - earlier for earlier, later in pairwise(starts)]
    assert len(starts) == 6
    assert all(50 * MINUTE <= each <= 60 * MINUTE for each in between)


def test_a_manual_execution_counts(orchestration: Configuration, orders: Table, accounts: Table) -> None:
    builders.build_trigger(orchestration, orders, accounts, cool_down_minutes=30)
    update(orders)
    evaluate(NOW)
    run = builders.launch(orchestration)
    run.refresh_from_db()
    if run.status == JobStatus.WAITING:
        start(run, NOW)
    finish(run, NOW)

    # The update of orders belongs to that execution; the cool-down counts from its start.
    later = WatchedTable.objects.first().baseline_at  # type: ignore[union-attr]
    assert later is not None
    update(accounts)
    assert evaluate(later + MINUTE) == []
    assert verdicts()[-1] == "cooling_down"
    update(accounts)
    assert evaluate(later + 31 * MINUTE) == []
    assert last_sentence() == "Not fired: in.c-sales.orders still awaited."
    update(orders)
    assert len(evaluate(later + 32 * MINUTE)) == 1


def test_while_a_run_waits_none_is_created_and_it_takes_the_updates_along(
    orchestration: Configuration, orders: Table
) -> None:
    builders.build_trigger(orchestration, orders, cool_down_minutes=1)
    update(orders)
    (job,) = evaluate(NOW)
    update(orders)
    assert evaluate(NOW) == []
    assert f"job {job.pk} of this orchestration waits already" in last_sentence()

    start(job, NOW)

    assert WatchedTable.objects.get().baseline_revision == 2
    assert evaluate(NOW + 5 * MINUTE) == []
    assert verdicts() == ["fired", "run_waits"]


def test_an_update_during_a_run_counts_for_the_next_one(orchestration: Configuration, orders: Table) -> None:
    builders.build_trigger(orchestration, orders, cool_down_minutes=1)
    update(orders)
    (job,) = evaluate(NOW)
    start(job, NOW)
    update(orders, NOW + MINUTE)

    (following,) = evaluate(NOW + 2 * MINUTE)

    assert not advancing.start(following.pk, now=NOW + 2 * MINUTE), "the first one still runs"
    finish(job, NOW + 3 * MINUTE)
    following.refresh_from_db()
    if following.status == JobStatus.WAITING:
        start(following, NOW + 3 * MINUTE)
    assert WatchedTable.objects.get().baseline_revision == 2


def test_when_the_cool_down_ends_it_is_looked_at_if_it_is_set_to(
    orchestration: Configuration, orders: Table, accounts: Table
) -> None:
    builders.build_trigger(orchestration, orders, accounts, cool_down_minutes=10, fires_when=FiresWhen.COOL_DOWN_END)
    update(orders)
    update(accounts)
    (job,) = evaluate(NOW)
    start(job, NOW)
    finish(job, NOW)
    update(orders)
    update(accounts)
    assert evaluate(NOW + 5 * MINUTE) == []
    assert triggering.next_look() == NOW + 10 * MINUTE

    assert evaluate(NOW + 9 * MINUTE) == []
    (second,) = evaluate(NOW + 10 * MINUTE)

    assert (verdicts()[-1], second.cause) == ("fired", Cause.TRIGGER)
    assert triggering.next_look() is None


def test_an_update_in_the_cool_down_is_remembered_when_the_trigger_is_changed(
    orchestration: Configuration, orders: Table, by_alice: Actor
) -> None:
    builders.build_trigger(orchestration, orders, cool_down_minutes=10, fires_when=FiresWhen.COOL_DOWN_END)
    update(orders)
    (job,) = evaluate(NOW)
    start(job, NOW)
    finish(job, NOW)
    update(orders)
    assert evaluate(NOW + 5 * MINUTE) == []

    wanted = Wanted(table_ids=[orders.table_id], cool_down_minutes=20, fires_when=FiresWhen.COOL_DOWN_END)
    setting_triggers.set_trigger(orchestration, wanted, actor=by_alice, now=NOW + 6 * MINUTE)

    assert evaluate(NOW + 10 * MINUTE) == []
    (second,) = evaluate(NOW + 20 * MINUTE)
    assert second.cause == Cause.TRIGGER


def test_without_that_the_next_update_after_the_cool_down_fires_at_once(
    orchestration: Configuration, orders: Table, accounts: Table
) -> None:
    builders.build_trigger(orchestration, orders, accounts, cool_down_minutes=10)
    update(orders)
    update(accounts)
    (job,) = evaluate(NOW)
    start(job, NOW)
    finish(job, NOW)
    update(orders)
    update(accounts)
    assert evaluate(NOW + 5 * MINUTE) == evaluate(NOW + 20 * MINUTE) == []

    update(orders)

    assert len(evaluate(NOW + 20 * MINUTE)) == 1


def test_off_in_the_trash_or_paused_it_only_takes_note(
    orchestration: Configuration, orders: Table, project: Project, by_alice: Actor
) -> None:
    trigger = builders.build_trigger(orchestration, orders)
    off = editing.set_enabled(orchestration, False, actor=by_alice, now=NOW)
    update(orders)
    assert evaluate(NOW) == []
    editing.set_enabled(off, True, actor=by_alice, now=NOW)
    pausing.pause(project, actor=by_alice, now=NOW)
    update(orders)
    assert evaluate(NOW) == []
    assert verdicts() == ["off", "paused"]

    pausing.resume(project, actor=by_alice)
    assert len(evaluate(NOW)) == 1
    setting_triggers.set_enabled(trigger, False, actor=by_alice, now=NOW)
    update(orders)
    assert evaluate(NOW) == []
    assert verdicts() == ["off", "paused", "fired"]


def test_a_table_that_is_gone_or_no_longer_linked_is_named_and_not_passed_over(
    orchestration: Configuration, orders: Table, alice: User, project: Project, by_alice: Actor
) -> None:
    other = builders.build_project(alice, "Finance")
    shared = builders.build_table(other, "out.c-ledger.bookings")
    link = Bucket.objects.create(project=project, stage="in", name="c-finance", source=shared.bucket, created_at=NOW)
    gone = builders.build_table(project, "in.c-sales.gone")
    wanted = Wanted(table_ids=["in.c-sales.orders", "in.c-finance.bookings", "in.c-sales.gone"])
    trigger = setting_triggers.set_trigger(orchestration, wanted, actor=by_alice, now=NOW)
    for table in (orders, shared, gone):
        update(table)
    finding = triggering.examine(trigger, NOW)
    assert finding.verdict == "fired"

    gone.delete()
    link.delete()
    update(orders)

    assert evaluate(NOW) == []
    named = "in.c-finance.bookings and in.c-sales.gone cannot be read any more"
    assert last_sentence() == f"Not fired: {named}; change the tables of the trigger."


def test_an_update_can_be_simulated(orchestration: Configuration, orders: Table, accounts: Table) -> None:
    trigger = builders.build_trigger(orchestration, orders, accounts)
    update(orders)
    watched = triggering.watched_by(trigger)
    simulated = [replace(each, revision=each.baseline_revision + 1) for each in watched]

    assert triggering.examine(trigger, NOW).verdict == "awaiting"
    assert triggering.examine(trigger, NOW, watched=simulated).verdict == "fired"
    assert not Job.objects.exists()


def test_a_broken_trigger_hinders_no_other(
    orchestration: Configuration, orders: Table, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = builders.build_trigger(orchestration, orders)
    good = builders.build_trigger(
        builders.build_orchestration(project, [task(builders.build_configuration(project))]), orders
    )
    real = triggering.examine

    def examine(trigger: EventTrigger, now: datetime) -> triggering.Finding:
        if trigger == broken:
            raise RuntimeError("out of order")
        return real(trigger, now)

    monkeypatch.setattr(triggering, "examine", examine)
    update(orders)

    (job,) = evaluate(NOW)

    assert job.configuration == good.orchestration
    assert broken.evaluations.get().sentence == "Not fired: it could not be evaluated: out of order"
