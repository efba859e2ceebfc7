"""What the columns of a result are for Storage, and how their values are written down.

A value becomes what the file between us and DuckDB holds: text, a number, or ``NULL``.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from pymysql.constants import FIELD_TYPE, FLAG
from sqlalchemy.engine import CursorResult

from jobs.components.shared.manifests import Column

MOST_DIGITS = 38
SCALE = 9
"""Decimals that are kept of a NUMERIC that says nothing of its own."""
GREATEST = 2**63 - 1


class Unfit(ValueError):
    """A value that its column's type does not hold; the text is the value, cut short."""


class _Null:
    """Written without quotes, which tells it from every text: the csv module puts none around what is a number."""

    def __int__(self) -> int:
        raise TypeError

    def __str__(self) -> str:
        return r"\N"


NULL = _Null()


@dataclass(frozen=True)
class Reading:
    column: Column
    take: Callable[[Any], Any]

    def convert(self, value: Any) -> Any:
        """Raises Unfit."""
        if value is None:
            return NULL
        try:
            return self.take(value)
        except (ValueError, TypeError, ArithmeticError):
            raise Unfit(repr(value)[:80]) from None


def readings_of(result: CursorResult[Any], declared: list[str], *, as_text: bool) -> list[Reading]:
    """``declared``: the types that SQLite has for the columns."""
    cursor: Any = result.cursor
    types = _TYPES[result.dialect.name](cursor, declared)
    return [
        Reading(*_column(described[0], "STRING" if as_text else type_name, length))
        for described, (type_name, length) in zip(cursor.description, types, strict=True)
    ]


def _column(name: str, type_name: str, length: str) -> tuple[Column, Callable[[Any], Any]]:
    return Column(name, type_name, length if type_name == "NUMERIC" else ""), _TAKERS[type_name]


# --- Types -------------------------------------------------------------------------------------

Types = list[tuple[str, str]]

_OF_POSTGRESQL = {
    **dict.fromkeys((20, 21, 23, 26), "INTEGER"),
    **dict.fromkeys((700, 701), "FLOAT"),
    **dict.fromkeys((1114, 1184), "TIMESTAMP"),
    16: "BOOLEAN",
    1082: "DATE",
    1700: "NUMERIC",
}
"""By the numbers of its catalogue."""

_OF_MARIADB = {
    **dict.fromkeys((FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG, FIELD_TYPE.YEAR), "INTEGER"),
    **dict.fromkeys((FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE), "FLOAT"),
    **dict.fromkeys((FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL), "NUMERIC"),
    **dict.fromkeys((FIELD_TYPE.TIMESTAMP, FIELD_TYPE.DATETIME), "TIMESTAMP"),
    FIELD_TYPE.LONGLONG: "INTEGER",
    FIELD_TYPE.DATE: "DATE",
}


def _types_of_postgresql(cursor: Any, declared: list[str]) -> Types:
    return [
        _numeric(_OF_POSTGRESQL.get(each.type_code, "STRING"), each.precision, each.scale)
        for each in cursor.description
    ]


def _types_of_mariadb(cursor: Any, declared: list[str]) -> Types:
    types = []
    for field in cursor._result.fields:
        type_name = _OF_MARIADB.get(field.type_code, "STRING")
        is_unsigned = bool(field.flags & FLAG.UNSIGNED)
        # The length is that of the longest text: with a sign and a point.
        digits = field.length - (not is_unsigned) - (field.scale > 0)
        if field.type_code == FIELD_TYPE.LONGLONG and is_unsigned:
            type_name, digits = "NUMERIC", 20
        types.append(_numeric(type_name, digits, field.scale))
    return types


def _types_of_sqlite(cursor: Any, declared: list[str]) -> Types:
    """By the words of its rules of affinity. It keeps to none of them, so every value is looked at."""
    return [_type_of_sqlite(each.upper()) for each in declared]


def _type_of_sqlite(declared: str) -> tuple[str, str]:
    for words, type_name in (
        (("INT",), "INTEGER"),
        (("CHAR", "CLOB", "TEXT"), "STRING"),
        (("REAL", "FLOA", "DOUB"), "FLOAT"),
        (("BOOL",), "BOOLEAN"),
        (("DATETIME", "TIMESTAMP"), "TIMESTAMP"),
        (("DATE",), "DATE"),
        (("NUM", "DEC"), "NUMERIC"),
    ):
        if any(word in declared for word in words):
            digits = re.search(r"\(\s*\d+\s*,\s*(\d+)\s*\)", declared)
            # How many digits were declared binds nobody there.
            return _numeric(type_name, MOST_DIGITS, max(SCALE, int(digits[1]) if digits else 0))
    return "STRING", ""


_TYPES: dict[str, Callable[[Any, list[str]], Types]] = {
    "postgresql": _types_of_postgresql,
    "mysql": _types_of_mariadb,
    "sqlite": _types_of_sqlite,
}


def _numeric(type_name: str, precision: int | None, scale: int | None) -> tuple[str, str]:
    """More digits than a NUMERIC of ours has are kept as text, not rounded."""
    if type_name != "NUMERIC":
        return type_name, ""
    precision, scale = (MOST_DIGITS, SCALE) if precision is None or scale is None else (precision, scale)
    return ("NUMERIC", f"{precision},{scale}") if 0 <= scale <= precision <= MOST_DIGITS else ("STRING", "")


# --- Values ------------------------------------------------------------------------------------


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=_string)
    return str(value)


def _duration(value: timedelta) -> str:
    """-36:00:01.5 as databases write a time."""
    whole, rest = divmod(abs(value), timedelta(seconds=1))
    parts = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    fraction = f".{rest.microseconds:06}".rstrip("0") if rest else ""
    return f"{'-' if value < timedelta() else ''}{parts}{fraction}"


def _integer(value: Any) -> int:
    if not isinstance(value, int) or not -GREATEST - 1 <= value <= GREATEST:
        raise ValueError
    return int(value)


def _float(value: Any) -> float:
    if not isinstance(value, int | float):
        raise ValueError
    return float(value)


def _decimal(value: Any) -> str:
    # A float by its shortest text, not by all the digits of its binary fraction.
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise ValueError from None
    if not math.isfinite(number):
        raise ValueError
    return format(number, "f")


def _boolean(value: Any) -> str:
    if value not in (0, 1):
        raise ValueError
    return "true" if value else "false"


def _date(value: Any) -> str:
    day = date.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(day, date) or isinstance(day, datetime):
        raise ValueError
    return day.isoformat()


def _timestamp(value: Any) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise ValueError
    # One without a zone is taken as it stands, as if it were in UTC.
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None).isoformat(sep=" ")


_TAKERS: dict[str, Callable[[Any], Any]] = {
    "STRING": _string,
    "INTEGER": _integer,
    "NUMERIC": _decimal,
    "FLOAT": _float,
    "BOOLEAN": _boolean,
    "DATE": _date,
    "TIMESTAMP": _timestamp,
}
