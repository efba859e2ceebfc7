"""Event triggers as people set them: who may, what is refused, what counts for a new one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.models import Job, WatchedTable
from jobs.states import JobStatus
from orchestrations.access import Actor, Denied
from orchestrations.models import Configuration, Table, User
from scheduling import setting_triggers, triggering
from scheduling.models import EventTrigger
from scheduling.setting_triggers import InvalidTrigger, Wanted
from tests import builders
from tests.builders import NOW
from tests.scheduling.updates import update

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def test_editors_set_triggers_and_operators_switch_them(
    orchestration: Configuration, orders: Table, accounts: Table, by_alice: Actor, oscar: User, bob: User
) -> None:
    wanted = Wanted(table_ids=[orders.table_id])
    with pytest.raises(Denied):
        setting_triggers.set_trigger(orchestration, wanted, actor=Actor(user=oscar), now=NOW)
    trigger = setting_triggers.set_trigger(orchestration, wanted, actor=by_alice, now=NOW)
    with pytest.raises(Denied):
        setting_triggers.set_enabled(trigger, False, actor=Actor(user=bob), now=NOW)
    setting_triggers.set_enabled(trigger, False, actor=Actor(user=oscar), now=NOW)

    both = Wanted(table_ids=[accounts.table_id, orders.table_id], cool_down_minutes=50, fires_when="cool_down_end")
    again = setting_triggers.set_trigger(orchestration, both, actor=by_alice, now=NOW)

    assert (again.pk, again.cool_down_minutes, again.is_enabled) == (trigger.pk, 50, False)
    labels = list(WatchedTable.objects.values_list("label", flat=True))
    assert labels == ["in.c-sales.accounts", "in.c-sales.orders"]
    with pytest.raises(Denied):
        setting_triggers.remove(again, actor=Actor(user=oscar))
    setting_triggers.remove(again, actor=by_alice)
    assert not WatchedTable.objects.exists()


def test_what_was_updated_since_the_last_execution_counts_for_a_new_trigger(
    orchestration: Configuration, orders: Table, accounts: Table, by_alice: Actor
) -> None:
    update(orders, NOW - 10 * MINUTE)
    update(accounts, NOW - 10 * MINUTE)
    run = builders.launch(orchestration)
    Job.objects.filter(pk=run.pk).update(status=JobStatus.WAITING, started_at=None)
    Job.objects.filter(pk=run.pk).update(started_at=NOW - 5 * MINUTE)
    update(orders, NOW)

    wanted = Wanted(table_ids=[orders.table_id, accounts.table_id])
    trigger = setting_triggers.set_trigger(orchestration, wanted, actor=by_alice, now=NOW)

    assert [each.label for each in triggering.watched_by(trigger) if each.is_updated] == ["in.c-sales.orders"]


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        (Wanted(table_ids=[]), "table_ids", "choose at least one"),
        (Wanted(table_ids=["in.c-sales.orders", "in.c-x.y"]), "table_ids", "no table in.c-x.y in this project"),
        (Wanted(table_ids=["nonsense"]), "table_ids", "no table nonsense"),
        (Wanted(table_ids=["in.c-sales.orders"], cool_down_minutes=0), "cool_down_minutes", "from 1 up to a year"),
        (Wanted(table_ids=["in.c-sales.orders"], fires_when="never"), "fires_when", "expected one of"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(
    orchestration: Configuration, orders: Table, by_alice: Actor, wanted: Wanted, field: str, words: str
) -> None:
    with pytest.raises(InvalidTrigger) as refusal:
        setting_triggers.set_trigger(orchestration, wanted, actor=by_alice, now=NOW)

    assert (refusal.value.field, words in str(refusal.value)) == (field, True)
    assert not EventTrigger.objects.exists()
