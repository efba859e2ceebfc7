"""Errors that say nothing of what was asked, only that the database is away."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError

ENDED_WHILE_IDLE = "25P03"
"""SQLSTATE with which PostgreSQL ends a transaction that stood still; Django counts it among its internal errors."""


def is_lost(error: BaseException) -> bool:
    """Whether the same may succeed in another connection."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return getattr(error.__cause__, "sqlstate", None) == ENDED_WHILE_IDLE
