"""Rows by many ids in a prepared statement: how many there are makes no other statement of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, F, Func

from orchestrations.lib.prepared import Param


class Among(Func):
    """``filter(Among("parent", "ids"))``: where that column is one of those that are given as ``ids=``.

    ``kind``: what PostgreSQL calls them.
    """

    output_field = BooleanField()

    def __init__(self, column: str, name: str, kind: str = "bigint") -> None:
        super().__init__(F(column), _Several(name))
        self.kind = kind

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = f"%(expressions)s::{self.kind}[])"
        return self.as_sql(compiler, connection, template=template, arg_joiner=" = ANY(")

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        among = " IN (SELECT value FROM json_each("
        return self.as_sql(compiler, connection, template="%(expressions)s))", arg_joiner=among)


class _Several(Param):
    def adapted(self, database: Any, value: Iterable[Any]) -> Any:
        several = list(value)
        return several if database.vendor == "postgresql" else json.dumps(several)
