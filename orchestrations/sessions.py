"""Where a person is logged in: noted now and then, listed for that person alone, and ended (DESIGN §8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth import SESSION_KEY as USER
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils.crypto import constant_time_compare

from orchestrations.lib import agents
from orchestrations.models import Session, User
from orchestrations.session_store import SessionStore, hashed

NOTED_EVERY_SECONDS = 300
ADDRESS_LENGTH, AGENT_LENGTH = 64, 300
MOST = 100
"""Sessions that are listed."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One session as its person sees it; ``key`` names it, and opens nothing."""

    key: str
    browser: str
    system: str
    address: str
    seen_at: datetime | None
    is_this: bool


def note(session: Any, *, address: str, agent: str, seconds: float) -> None:
    """A request of somebody who is logged in: written at most every few minutes. ``seconds`` since the epoch."""
    if USER not in session:
        return
    seen_at = session.seen_at
    if seen_at is None or not 0 <= seconds - seen_at.timestamp() < NOTED_EVERY_SECONDS:
        now = datetime.fromtimestamp(seconds, UTC)
        session.note(address=address[:ADDRESS_LENGTH], agent=agent[:AGENT_LENGTH], seen_at=now)


def of(user: User, session: Any, *, now: datetime) -> list[Place]:
    """Those that are good still, this one first and then the last seen."""
    this = hashed(session.session_key or "")
    is_this = ExpressionWrapper(Q(session_key=this), BooleanField())
    rows = Session.objects.filter(user=user, expire_date__gt=now).order_by(is_this.desc(), "-seen_at", "session_key")
    return list(islice((_place(row, this) for row in rows.iterator() if _is_good(row, user)), MOST))


def end(user: User, key: str) -> bool:
    """False when the person has no such session (any more)."""
    deleted, _ = Session.objects.filter(user=user, session_key=key).delete()
    return bool(deleted)


def end_others(user: User, session: Any | None = None) -> int:
    """All of the person's but this one; how many."""
    rows = Session.objects.filter(user=user)
    if session is not None:
        rows = rows.exclude(session_key=hashed(session.session_key or ""))
    deleted, _ = rows.delete()
    return int(deleted)


def forget_expired(*, now: datetime) -> None:
    Session.objects.filter(expire_date__lt=now).delete()


# --- Private -----------------------------------------------------------------------------------


def _place(row: Session, this: str) -> Place:
    browser, system = agents.describe(row.agent)
    is_this = row.session_key == this
    return Place(
        key=row.session_key,
        browser=browser,
        system=system,
        address=row.address,
        seen_at=row.seen_at,
        is_this=is_this,
    )


def _is_good(row: Session, user: User) -> bool:
    """Made with the password that the person has now."""
    held = SessionStore().decode(row.session_data).get(HASH_SESSION_KEY, "")
    known = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(held, each) for each in known)
