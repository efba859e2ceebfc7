"""A machine that has gone, or a process that stands still, must not keep its locks (R12)."""

import psycopg
import pytest
from django.db import connection, transaction

from jobs import supervising
from orchestration_site import postgresql
from tests.clusters import wait_for

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

SOON = {"options": "-c idle_in_transaction_session_timeout=200ms"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "15000"),
        ("idle_in_transaction_session_timeout", "1min"),
    ],
)
def test_the_server_watches_its_side_of_the_connection(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")

        assert cursor.fetchone() == (value,)


def test_a_transaction_that_stands_still_is_ended_and_its_locks_with_it() -> None:
    with _connected(postgresql.options(SOON)) as frozen, _connected(postgresql.options({})) as other:
        frozen.execute("SELECT pg_advisory_xact_lock(20261201)")
        other.execute("SELECT pg_advisory_xact_lock(20261201)")

        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            frozen.execute("SELECT 1")


def test_a_worker_that_stood_still_in_a_transaction_does_it_again() -> None:
    backends: list[int] = []

    def work() -> str:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backends.append(cursor.fetchone()[0])
            if len(backends) == 1:
                cursor.execute("SET idle_in_transaction_session_timeout = '200ms'")
                wait_for(lambda: not _is_there(backends[0]), what="the server ends the transaction")
            cursor.execute("SELECT 'done'")
            return str(cursor.fetchone()[0])

    assert supervising.insist(work) == "done"
    assert len(set(backends)) == 2


def _is_there(backend: int) -> bool:
    with _connected({}) as other:
        row = other.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [backend]).fetchone()
    return bool(row and row[0])


def _connected(options: dict[str, object]) -> psycopg.Connection:
    """To the tests' own database."""
    own = connection.get_connection_params()
    address = {name: own[name] for name in ("host", "port", "user", "password", "dbname") if name in own}
    return psycopg.connect(**address, **options)  # type: ignore[arg-type]
