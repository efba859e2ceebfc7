"""How Tutti connects to PostgreSQL. Imports no model and no setting: the settings are made with it."""

from __future__ import annotations

from typing import Any

SILENCE = {"tcp_keepalives_idle": "10s", "tcp_keepalives_interval": "5s", "tcp_keepalives_count": 3}
"""After so much of it the other side counts as gone: 25 s, less than a lease."""
UNANSWERED_MS = 15_000
IDLE_IN_TRANSACTION_SECONDS = 60
"""Our transactions take milliseconds. One that stands still longer belongs to a process that is frozen."""


def options(given: dict[str, Any]) -> dict[str, Any]:
    """OPTIONS of the database; ``given``, from DATABASE_URL, wins.

    Both sides watch the connection. Ours, because a process must not wait for a lost server as long as TCP would, a
    quarter of an hour. The server's, because a machine that loses its power or its network says no goodbye: what its
    open transactions have locked, such as the row of a project, would stay locked for two hours (R12).
    """
    return {
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": UNANSWERED_MS,
        # The statements of orchestrations.lib.prepared, when they come for the third time; not Django's own.
        "prepare_threshold": 2,
        **given,
        "options": f"{_of_the_session()} {given.get('options', '')}".strip(),
    }


def _of_the_session() -> str:
    settings = {
        **SILENCE,
        "tcp_user_timeout": UNANSWERED_MS,
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())
