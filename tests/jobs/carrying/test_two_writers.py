"""Several writers of the same tables lose nothing, and none waits for ever."""

from __future__ import annotations

from functools import partial

import pytest

from jobs.carrying import course
from jobs.models import Job, TableUpdate
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, Table
from tests import builders
from tests.clusters import wait_for
from tests.jobs.carrying.world import (
    build,
    declared,
    die,
    rescue,
    rows_of,
    writing,
)
from tests.jobs.performing import Performer
from tests.jobs.racing import race, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_jobs_that_write_the_same_tables_lose_nothing_and_never_wait_for_each_other_for_ever(
    project: Project, performer: Performer
) -> None:
    names = ["a", "b"]

    def build_writer(number: int) -> Configuration:
        # One names the tables in this order, one in the other.
        order = names if number % 2 else names[::-1]
        storage = {
            "output": {
                "tables": [
                    {"source": f"{name}.csv", "destination": f"out.c-x.{name}", "incremental": True} for name in order
                ]
            }
        }
        return build(project, "".join(writing(f"id\n{number}\n", f"{name}.csv") for name in names), storage)

    others = [Performer() for _ in range(3)]
    jobs = [builders.launch(build_writer(number)) for number in range(1, 5)]
    claims = [performer.claim() for _ in jobs]
    results = race(
        *[partial(worker.perform, claim) for worker, claim in zip([performer, *others], claims, strict=True)]
    )
    for worker in others:
        worker.worker.nursery.close()

    assert not unexpected(results)
    assert {Job.objects.get(pk=job.pk).status for job in jobs} == {JobStatus.SUCCESS}
    for name in names:
        assert sorted(row["id"] for row in rows_of(f"out.c-x.{name}")) == ["1", "2", "3", "4"]
        table = Table.objects.get(name=name)
        assert (table.revision, table.rows) == (4, 4)
        assert sorted(table.updates.values_list("revision", flat=True)) == [1, 2, 3, 4]


def test_a_writer_carries_out_what_a_dead_one_has_decided_before_it(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "PATIENCE_SECONDS", 0)
    storage = declared(incremental=True)
    first = builders.launch(build(project, writing("id\n1\n"), storage))
    with monkeypatch.context() as patched:
        patched.setattr(course.Course, "_carry_out", die)
        with pytest.raises(SystemExit):
            performer.perform()

    second = performer.run(build(project, writing("id\n2\n"), storage))

    assert second.status == JobStatus.SUCCESS
    assert rows_of() == [{"id": "1"}, {"id": "2"}]
    Job.objects.filter(pk=first.pk).update(worker="1:1:gone")
    wait_for(lambda: rescue(performer) and Job.objects.get(pk=first.pk).is_settled, what="the first has its end")
    assert Job.objects.get(pk=first.pk).status == JobStatus.SUCCESS
    assert list(TableUpdate.objects.order_by("revision").values_list("job", "revision")) == [
        (first.pk, 1),
        (second.pk, 2),
    ]
