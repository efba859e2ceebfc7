"""What every process of the engine would do first, done once before they are forked."""

from __future__ import annotations

from contextlib import suppress

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db import Error as DatabaseError

from orchestrations.lib.prepared import Prepared


def compile_statements() -> None:
    """Those of the modules that are loaded. PostgreSQL is asked for its version meanwhile; no connection stays."""
    # Outside of a transaction Django compiles no statement that locks, and the rest would be left with it.
    with suppress(DatabaseError), transaction.atomic():
        for each in list(Prepared.made):
            each.statement(connections[DEFAULT_DB_ALIAS])
    connections.close_all()
