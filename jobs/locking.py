"""The lock under which a run changes (R11), and the retrying of transactions that the database gave up."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, OperationalError, connection, transaction

from jobs.models import Job
from orchestrations.lib.prepared import Param, Query

ATTEMPTS = 6
GIVEN_UP = {"40001", "40P01", "23503"}
"""SQLSTATE of a serialization failure, of a deadlock, and of a row that was removed after we had read it (a
configuration purged while a phase begins): the same transaction may succeed when tried again."""

_LOCK = Query(lambda: Job.objects.select_for_update(no_key=True).filter(pk=Param("pk")).values_list("pk"))

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def under_root(root_id: int) -> Iterator[None]:
    """A transaction that holds the run's root; no transaction ever holds two.

    NO KEY: children point at the root, and inserting them must not wait for this lock. SQLite's own write lock,
    taken at BEGIN IMMEDIATE, does the same there. Raises Job.DoesNotExist.
    """
    with transaction.atomic():
        if not _LOCK.rows(pk=root_id):
            raise Job.DoesNotExist(f"There is no job {root_id}.")
        yield


def retried(function: Callable[P, R]) -> Callable[P, R]:
    """Try the whole transaction again after a deadlock. Only for functions that own their transaction."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return function(*args, **kwargs)
            except DatabaseError as error:
                if attempt == ATTEMPTS or connection.in_atomic_block or not was_given_up(error):
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 (spreads retries, no secret)
        raise AssertionError("unreachable")

    return wrapper


def was_given_up(error: Exception) -> bool:
    """Whether the database rolled the transaction back for another one's sake."""
    if getattr(error.__cause__, "sqlstate", None) in GIVEN_UP:
        return True
    return isinstance(error, OperationalError) and "database is locked" in str(error)
