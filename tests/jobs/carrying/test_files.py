"""Files into tables and out of them, by jobs of hidden components; updates that others announce or make."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs import storing, tidying, updating
from jobs.carrying import program
from jobs.models import TableImport, TableUpdate
from jobs.states import JobStatus
from jobs.storing import CsvFile, Refused
from orchestrations import buckets, tables, tokens
from orchestrations.access import Actor, Denied
from orchestrations.models import Project, Table, TableFolder, Token, User
from tests import builders
from tests.jobs.carrying.world import ORDERS, rows_of, seed
from tests.jobs.performing import Performer

pytestmark = pytest.mark.django_db(transaction=True)


def upload(tmp_path: Path, text: str) -> CsvFile:
    file = tmp_path / "upload"
    file.write_text(text)
    return CsvFile(path=file)


def test_a_file_becomes_a_table_and_a_table_a_file(
    project: Project, performer: Performer, by_alice: Actor, tmp_path: Path
) -> None:
    file = upload(tmp_path, "id,amount\n1,10\n")

    job = storing.load_file(project, ORDERS, file, primary_key=["id"], actor=by_alice, now=timezone.now())
    performer.perform()

    job.refresh_from_db()
    assert (job.status, job.message) == (JobStatus.SUCCESS, "")
    assert not file.path.exists() and rows_of() == [{"id": "1", "amount": "10"}]
    found = tables.find(project, ORDERS)
    assert found is not None and found.table.primary_key == ["id"]

    more = upload(tmp_path, "id,amount\n1,11\n2,20\n")
    storing.load_file(project, ORDERS, more, mode="append", actor=by_alice, now=timezone.now())
    performer.perform()
    assert rows_of() == [{"id": "1", "amount": "11"}, {"id": "2", "amount": "20"}]

    found = tables.find(project, ORDERS)
    assert found is not None
    job = storing.unload(found, actor=by_alice, now=timezone.now())
    assert storing.unloaded_file(job) is None
    performer.perform()
    job.refresh_from_db()
    downloaded = storing.unloaded_file(job)
    assert downloaded is not None and downloaded.name == "orders.csv"
    assert downloaded.read_text() == "id,amount\n1,11\n2,20\n"

    tidying.clean_files(now=timezone.now())
    assert downloaded.exists()
    tidying.clean_files(now=timezone.now() + timedelta(days=2))
    assert storing.unloaded_file(job) is None


def test_all_rows_are_deleted_and_the_columns_stay(project: Project, performer: Performer, by_alice: Actor) -> None:
    seed(project)
    found = tables.find(project, ORDERS)
    assert found is not None

    job = storing.delete_rows(found, actor=by_alice, now=timezone.now())
    performer.perform()

    job.refresh_from_db()
    assert (job.status, rows_of()) == (JobStatus.SUCCESS, [])
    assert [column["name"] for column in Table.objects.get().columns] == ["id", "amount"]
    with pytest.raises(Refused, match="values: needs at least one"):
        storing.delete_rows(found, column="id", actor=by_alice, now=timezone.now())


def test_who_may_not_write_the_bucket_loads_nothing(
    project: Project, performer: Performer, oscar: User, alice: User, tmp_path: Path, now: datetime
) -> None:
    text, _ = tokens.create_limited(project, description="CI", component_access=["command"], created_by=alice, now=now)
    file = upload(tmp_path, "id\n1\n")
    for actor in (Actor(user=oscar), Actor(token=text)):
        with pytest.raises(Denied):
            storing.load_file(project, ORDERS, file, actor=actor, now=timezone.now())
    assert file.path.exists()

    Token.objects.filter(pk=text.pk).update(bucket_permissions={"out.c-results": "write"})
    text.refresh_from_db()
    job = storing.load_file(project, ORDERS, file, actor=Actor(token=text), now=timezone.now())
    performer.perform()
    job.refresh_from_db()
    assert (job.status, rows_of()) == (JobStatus.SUCCESS, [{"id": "1"}])


def test_a_linked_table_is_read_and_never_written(
    project: Project, performer: Performer, by_alice: Actor, tmp_path: Path
) -> None:
    table = seed(project)
    other = builders.build_project(by_alice.user, "Marketing")  # type: ignore[arg-type]
    buckets.share(table.bucket, with_all=True, actor=by_alice, now=timezone.now())
    buckets.link(other, table.bucket, name="theirs", actor=by_alice, now=timezone.now())

    with pytest.raises(Refused, match="can only be read"):
        storing.load_file(other, "out.c-theirs.orders", upload(tmp_path, "a\n"), actor=by_alice, now=timezone.now())
    found = tables.find(other, "out.c-theirs.orders")
    assert found is not None
    with pytest.raises(Refused, match="its owner announces"):
        updating.announce(found, actor=by_alice, now=timezone.now())
    job = storing.unload(found, actor=by_alice, now=timezone.now())
    performer.perform()
    job.refresh_from_db()
    assert storing.unloaded_file(job) is not None


def test_an_announced_update_counts_as_one(project: Project, by_alice: Actor, bob: User, now: datetime) -> None:
    builders.build_table(project, ORDERS)
    found = tables.find(project, ORDERS)
    assert found is not None

    updating.announce(found, rows=5, actor=by_alice, now=now)
    updating.announce(found, at=now - timedelta(hours=1), actor=by_alice, now=now)

    table = Table.objects.get()
    assert (table.revision, table.updated_at) == (2, now)
    updates = TableUpdate.objects.order_by("revision").values_list("revision", "source", "rows", "evaluated_at")
    assert list(updates) == [(1, "api", 5, None), (2, "api", None, None)]
    with pytest.raises(Refused, match=r"^at: lies in the future"):
        updating.announce(found, at=now + timedelta(hours=1), actor=by_alice, now=now)
    with pytest.raises(Refused, match=r"^rows: "):
        updating.announce(found, rows=-1, actor=by_alice, now=now)
    with pytest.raises(Denied):
        updating.announce(found, actor=Actor(user=bob), now=now)


def test_what_other_programs_did_is_recorded_once_and_our_own_imports_are_not(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = builders.build_table(project, ORDERS, delta_version=3)
    ours = builders.build_import(table)
    foreign = {"at": "2026-11-20T08:00:00Z", "rows_added": 7, "stage": None, "import": None, "job": None}
    answer = {
        "exists": True,
        "delta_version": 6,
        "rows": 12,
        "changes": [
            {**foreign, "version": 4, "stage": "s", "import": ours.pk},
            {**foreign, "version": 5},
            {**foreign, "version": 6, "stage": "s", "import": 10**9},
        ],
    }
    monkeypatch.setattr(program, "ask", lambda verb, entries, **more: {"tables": [answer]})

    assert updating.look([table]) == 2
    assert updating.look([Table.objects.get()]) == 0
    assert updating.look([table]) == 0  # somebody who looked at the same time

    table.refresh_from_db()
    assert (table.revision, table.delta_version, table.rows) == (3, 6, 12)
    assert TableUpdate.objects.filter(source="program", rows=7).count() == 2


def test_tidying_drops_the_folders_of_deleted_tables_and_keeps_what_is_decided(
    project: Project, by_alice: Actor, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    gone, stays = builders.build_table(project, "in.c-a.gone"), builders.build_table(project, "in.c-a.stays")
    builders.build_import(stays, committed_at=None, plan={"plan": {"stage": "s1"}})
    tables.delete(gone, actor=by_alice, now=now)
    asked: list[Any] = []

    def ask(verb: str, entries: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        asked.append((verb, [entry["location"] for entry in entries], more.get("keep")))
        return {"tables": [{}]}

    monkeypatch.setattr(program, "ask", ask)

    tidying.clean(now=now)
    tidying.clean(now=now + timedelta(hours=2))

    assert asked == [("clean", [], ["s1"]), ("drop", [gone.location], None), ("clean", [], ["s1"])]
    assert not TableFolder.objects.exists()
    assert TableImport.objects.count() == 1
