"""Tables that other programs write: seen by a glance at their log, and only then asked about (R16)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs import looking, updating
from jobs.models import Delivery, DeliveryStatus
from orchestrations.models import AccountMail, Channel, Project, Table, User
from scheduling import chores
from scheduling.models import Chore as Row
from scheduling.processes import housekeeping
from tests import builders
from tests.jobs.notifying.smtp import Postbox, running

pytestmark = pytest.mark.django_db


def commit(table: Table, version: int, settings: Any) -> None:
    log = Path(settings.DATA_DIR) / "storage" / table.location / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020d}.json").write_text("{}")


def test_only_watched_tables_with_news_are_looked_at(
    project: Project, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    news, old, unwatched = (
        builders.build_table(project, f"in.c-sales.{name}", delta_version=3) for name in ("news", "old", "unwatched")
    )
    builders.build_trigger(builders.build_orchestration(project), news, old)
    looked: list[Table] = []
    monkeypatch.setattr(updating, "look", looked.extend)
    for table in (news, old, unwatched):
        commit(table, 3, settings)
    assert not looking.is_anything_new()

    commit(news, 4, settings)
    commit(unwatched, 4, settings)

    assert looking.is_anything_new()
    chores.look_at_tables(timezone.now())
    assert looked == [news]


def test_an_object_store_is_asked_about_all_watched_tables(project: Project, settings: Any) -> None:
    settings.STORAGE_URL = "s3://bucket/tables"
    table = builders.build_table(project)
    builders.build_trigger(builders.build_orchestration(project), table)

    assert looking.is_in_object_store()
    assert not looking.is_anything_new()
    assert looking.watched_with_news() == [table]


def test_what_is_done_seldom_is_not_done_at_the_first_start() -> None:
    done: list[object] = []
    seldom = chores.Chore(name="seldom", every_seconds=3600, work=done.append)
    often = chores.Chore(name="often", every_seconds=60, work=done.append)

    assert not housekeeping.do_if_due(seldom, "scheduler")
    assert housekeeping.do_if_due(often, "scheduler")

    assert len(done) == 1
    assert Row.objects.get(name="seldom").due_at > timezone.now()


def test_every_chore_has_a_name_of_its_own() -> None:
    names = [chore.name for chore in chores.CHORES]

    assert len(set(names)) == len(names)
    assert all(len(name) <= 50 for name in names)


def test_kept_mails_go_out_by_themselves_once_there_is_a_mail_server(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_HOST = ""
    AccountMail.objects.create(user=alice, subject="Invitation", text="Come in.", created_at=timezone.now())
    work = {chore.name: chore.work for chore in chores.CHORES}
    sending = next(chore.work for chore in chores.CHORES if chore.name == f"deliveries by {Channel.EMAIL}")

    def mails(now: datetime) -> None:
        list(sending(now) or ())

    work["notices"](timezone.now())
    mails(timezone.now())
    work["kept mails"](timezone.now())
    assert Delivery.objects.get().status == DeliveryStatus.KEPT

    with running(settings, Postbox()) as postbox:
        work["kept mails"](timezone.now())
        mails(timezone.now())
        assert [mail["Subject"] for mail in postbox.mails] == ["Invitation"]
        work["kept mails"](timezone.now())
        mails(timezone.now())
        assert len(postbox.mails) == 1
