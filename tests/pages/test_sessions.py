"""Where people are logged in: listed for them alone, and ended."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.sessions.models import Session as PlainSession
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import pruning
from orchestrations import sessions
from orchestrations.models import Session, User
from orchestrations.session_store import SessionStore, hashed
from tests.pages.conftest import log_in

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/139.0 Safari/537.36 Edg/139.0"
PROFILE = "/profile/"


def visit(client: Client, agent: str, address: str = "192.0.2.7") -> str:
    Session.objects.filter(session_key=hashed(client.session.session_key or "")).update(seen_at=None)
    text: str = client.get(PROFILE, headers={"User-Agent": agent}, REMOTE_ADDR=address).text
    return text


def rows_of(text: str) -> list[str]:
    """The cells of each session, as plain words."""
    table = text.split('id="sessions"')[1].split("</table>")[0].split("<tbody>")[1]
    return [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in table.split("</tr>")[:-1]]


def keys_of(text: str) -> list[str]:
    return re.findall(r'name="session" value="([^"]*)"', text)


def test_the_profile_lists_ones_own_sessions(alice: User, bob: User, as_alice: Client) -> None:
    visit(log_in(alice), EDGE, "198.51.100.1")
    visit(log_in(bob), FIREFOX, "203.0.113.9")

    rows = rows_of(visit(as_alice, FIREFOX))

    assert rows[0].startswith("Firefox Linux 192.0.2.7 This session")
    assert rows[1].startswith("Edge Windows 198.51.100.1")
    assert len(rows) == 2


def test_a_session_is_ended_by_its_person_alone(alice: User, bob: User, as_alice: Client) -> None:
    elsewhere, strange = log_in(alice), log_in(bob)
    visit(elsewhere, EDGE)
    visit(strange, EDGE)
    (key,) = keys_of(visit(as_alice, FIREFOX))

    strange.post(PROFILE, {"form": "end-session", "session": key})
    assert elsewhere.get(PROFILE).status_code == 200
    as_alice.post(PROFILE, {"form": "end-session", "session": key})
    assert elsewhere.get(PROFILE).status_code == 302
    assert "had ended already" in as_alice.post(PROFILE, {"form": "end-session", "session": key}, follow=True).text
    assert strange.get(PROFILE).status_code == 200
    assert len(rows_of(visit(as_alice, FIREFOX))) == 1


def test_all_others_are_ended_at_once(alice: User, bob: User, as_alice: Client) -> None:
    others, strange = [log_in(alice), log_in(alice)], log_in(bob)

    as_alice.post(PROFILE, {"form": "end-other-sessions"})

    assert [each.get(PROFILE).status_code for each in (*others, as_alice, strange)] == [302, 302, 200, 200]


def test_this_session_is_listed_however_many_others_were_seen_since(
    alice: User, as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST", 2)
    visit(as_alice, FIREFOX)
    Session.objects.update(seen_at=datetime(2026, 1, 1, tzinfo=UTC))
    for _ in range(3):
        visit(log_in(alice), EDGE)

    places = sessions.of(alice, as_alice.session, now=timezone.now())

    assert [place.is_this for place in places] == [True, False]


def test_a_session_with_an_old_password_is_not_shown(alice: User, as_alice: Client) -> None:
    log_in(alice)
    alice.set_password("another one that is long")
    alice.save(update_fields=["password"])
    new = log_in(alice)

    assert len(rows_of(visit(new, FIREFOX))) == 1


def test_it_is_written_at_most_every_few_minutes(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.force_login(alice)

    def writes() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get("/time-zone/")
        return sum("UPDATE" in query["sql"] for query in queries)

    clock = [timezone.now().timestamp()]
    monkeypatch.setattr("orchestration_site.middleware.time.time", lambda: clock[0])
    counts = [writes(), writes()]
    clock[0] += sessions.NOTED_EVERY_SECONDS - 1
    counts.append(writes())
    clock[0] += 1
    counts.append(writes())

    assert counts == [1, 0, 0, 1]


def test_a_look_at_a_live_page_takes_nothing_from_a_session_that_changes_meanwhile(as_alice: Client) -> None:
    looking = SessionStore(as_alice.session.session_key)
    looking.load()
    changing = as_alice.session
    changing["shown_once"] = "a token that is kept nowhere else"
    changing.save()

    due = timezone.now().timestamp() + sessions.NOTED_EVERY_SECONDS
    sessions.note(looking, address="192.0.2.7", agent=FIREFOX, seconds=due)

    assert not looking.modified
    assert as_alice.session["shown_once"] == "a token that is kept nowhere else"
    row = Session.objects.get(session_key=hashed(changing.session_key or ""))
    assert row.seen_at == datetime.fromtimestamp(due, UTC)


def test_who_reads_the_database_takes_no_session_over(as_alice: Client, alice: User) -> None:
    session = as_alice.session
    session["shown_once"] = "a secret to be shown once"
    session.save()
    key = session.session_key

    row = Session.objects.get(user=alice)

    assert key not in (row.session_key, row.session_data)
    assert row.session_data.startswith("tutti:v1:")
    thief = Client()
    thief.cookies["sessionid"] = row.session_key
    assert thief.get(PROFILE).status_code == 302
    assert as_alice.session["shown_once"] == "a secret to be shown once"
    assert not PlainSession.objects.exists()


def test_expired_sessions_are_forgotten(alice: User, as_alice: Client) -> None:
    log_in(alice)
    Session.objects.exclude(session_key="").update(expire_date=timezone.now())

    pruning.prune_rows(now=timezone.now())

    assert not Session.objects.exists()


@pytest.mark.parametrize("agent", ["", "a" * 5000, "caf\xe9", "a\x00b"])
def test_a_browser_may_say_anything(as_alice: Client, agent: str, alice: User) -> None:
    assert "This session" in rows_of(visit(as_alice, agent))[0]
    assert len(Session.objects.get(user=alice).agent) <= sessions.AGENT_LENGTH


def test_a_login_keeps_working_and_logging_out_removes_it(alice: User, settings: Any) -> None:
    client = log_in(alice)
    assert Session.objects.filter(user=alice).count() == 1
    client.post("/logout/")
    assert not Session.objects.filter(user=alice).exists()
