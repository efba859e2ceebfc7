"""Which rows are meant: the filters of an input mapping, and what an import or a deletion removes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.tables import columns as columns_of
from jobs.tables import engine as sql
from jobs.tables.columns import BOOLEAN, DATE, STRING, TIMESTAMP, Column
from jobs.tables.engine import Engine
from jobs.tables.errors import UserError

_SIGNS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_AGE = re.compile(r"[+-]?\s*(\d+)\s*(second|minute|hour|day|week|month|year)s?(?:\s+ago)?", re.IGNORECASE)
_UNIT_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
    "month": 2592000,
    "year": 31536000,
}


def parse_moment(words: str, now: datetime) -> datetime:
    """``-2 days`` (a month has 30, a year 365) or ISO 8601, UTC unless it says otherwise. Raises UserError."""
    if age := _AGE.fullmatch(words.strip()):
        seconds = int(age[1]) * _UNIT_SECONDS[age[2].lower()]
        try:
            return now - timedelta(seconds=seconds)
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    try:
        moment = datetime.fromisoformat(words.strip())
    except ValueError:
        raise UserError(f'"{words}" is no time; write one like "-2 days" or "2026-05-04 12:30".') from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def matches(engine: Engine, column: Column, operator: str, values: list[Any]) -> str:
    """SQL that is never NULL. Text is compared as text, other types in their own; NULL is the empty text."""
    if operator in _SIGNS:
        if len(values) != 1:
            raise UserError(f"The operator {operator} takes one value, not {len(values)}.")
        return f"({sql.name(column.name)} {_SIGNS[operator]} {_literal(engine, column, values[0])}) IS TRUE"
    if operator not in {"eq", "ne"}:
        raise UserError(f'"{operator}" is no operator; there are eq and ne{", lt, le, gt, ge" if operator else ""}.')
    texts = [str(value) for value in values if value is not None]
    empty = f"{sql.name(column.name)} IS NULL"
    if column.type == STRING:
        empty = f"coalesce({sql.name(column.name)}, '') = ''"
    parts = [empty] if "" in texts or None in values else []
    if others := [_literal(engine, column, value) for value in texts if value != ""]:
        parts.append(f"({sql.name(column.name)} IN ({', '.join(others)})) IS TRUE")
    inside = " OR ".join(parts) or "false"
    return f"({inside})" if operator == "eq" else f"NOT ({inside})"


def _literal(engine: Engine, column: Column, value: Any) -> str:
    kind = column.duckdb_type
    words = str(value).lower() if isinstance(value, bool) else str(value)
    if engine.one(f"SELECT try_cast(? AS {kind}) IS NULL", [words]):
        raise UserError(f'"{words}" cannot be compared with column {column.name}, which is {column.type}.')
    return f"{sql.text(words)}::{kind}"


def resolve(wish: dict[str, Any] | None, now: datetime) -> dict[str, Any] | None:
    """The condition with its age made a moment, so that it means the same whenever it is carried out."""
    if not wish or "older_than" not in wish:
        return wish
    before = parse_moment(str(wish["older_than"]), now).astimezone(UTC)
    return {key: wish[key] for key in ("column",) if key in wish} | {"before": before.isoformat()}


def selects(engine: Engine, wish: dict[str, Any], columns: list[Column]) -> str:
    """SQL for the rows that a resolved condition on a column means."""
    column = columns_of.find(columns, wish["column"])
    if "before" not in wish:
        return matches(engine, column, str(wish.get("operator") or "eq"), list(wish.get("values") or ()))
    if column.type not in {DATE, TIMESTAMP, STRING} or column.type == BOOLEAN:
        raise UserError(f"Column {column.name} is {column.type}: only dates, times and text in ISO form have an age.")
    return f"(try_cast({sql.name(column.name)} AS TIMESTAMPTZ) < {sql.text(wish['before'])}::TIMESTAMPTZ) IS TRUE"


def is_by_file(wish: dict[str, Any]) -> bool:
    """Whether whole data files are meant, by the moment at which their rows were last changed."""
    return "before" in wish and "column" not in wish


def stamp_of(wish: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(wish["before"]).timestamp() * 1000)
