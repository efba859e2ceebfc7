"""Columns of tables: our types, Delta's and DuckDB's, and how names are cleaned. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from jobs.tables.errors import UserError

STRING, INTEGER, NUMERIC, FLOAT = "STRING", "INTEGER", "NUMERIC", "FLOAT"
BOOLEAN, DATE, TIMESTAMP = "BOOLEAN", "DATE", "TIMESTAMP"
TYPES = (STRING, INTEGER, NUMERIC, FLOAT, BOOLEAN, DATE, TIMESTAMP)

MAX_COLUMNS = 5000
MAX_NAME_LENGTH = 128
DEFAULT_LENGTH = "38,9"  # of NUMERIC: digits in all, digits after the point

_OUR_TYPES = {
    "string": STRING,
    "byte": INTEGER,
    "short": INTEGER,
    "integer": INTEGER,
    "long": INTEGER,
    "float": FLOAT,
    "double": FLOAT,
    "boolean": BOOLEAN,
    "date": DATE,
    "timestamp": TIMESTAMP,
    "timestamp_ntz": TIMESTAMP,
}
_DELTA_TYPES = {
    STRING: "string",
    INTEGER: "long",
    FLOAT: "double",
    BOOLEAN: "boolean",
    DATE: "date",
    TIMESTAMP: "timestamp",
}
_DUCKDB_TYPES = {
    "string": "VARCHAR",
    "byte": "TINYINT",
    "short": "SMALLINT",
    "integer": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
}
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)", re.IGNORECASE)
_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}


@dataclass(frozen=True)
class Column:
    """``delta`` is the exact type in the table; a type that is none of ours (a list, bytes) reads as text."""

    name: str
    type: str = STRING
    nullable: bool = True
    length: str = ""
    delta: str = ""

    @classmethod
    def parse(cls, given: str | dict[str, Any]) -> Column:
        """A column as requests and answers write it; also only a name, then it is text."""
        if isinstance(given, str):
            return cls(given)
        kind = str(given.get("type") or STRING).upper()
        if kind not in TYPES:
            raise UserError(f"Column {given['name']} has the type {kind}; known are {', '.join(TYPES)}.")
        length = _parse_length(str(given.get("length") or DEFAULT_LENGTH), given["name"]) if kind == NUMERIC else ""
        return cls(given["name"], kind, bool(given.get("nullable", True)), length)

    @classmethod
    def from_delta(cls, field: dict[str, Any]) -> Column:
        """A field of a Delta schema, as its JSON has it."""
        kind = field["type"] if isinstance(field["type"], str) else json.dumps(field["type"])
        if decimal := _DECIMAL.fullmatch(kind):
            return cls(field["name"], NUMERIC, field["nullable"], ",".join(decimal.groups()), kind)
        return cls(field["name"], _OUR_TYPES.get(kind, STRING), field["nullable"], "", kind)

    @classmethod
    def from_duckdb(cls, name: str, kind: str) -> Column:
        """What a column of a Parquet file becomes in a table of its own."""
        if decimal := _DECIMAL.fullmatch(kind):
            return cls(name, NUMERIC, length=",".join(decimal.groups()))
        if kind in {"UBIGINT", "HUGEINT", "UHUGEINT"}:
            return cls(name, NUMERIC, length="38,0")
        if kind in {"FLOAT", "DOUBLE"}:
            return cls(name, FLOAT)
        if kind.startswith("TIMESTAMP"):
            return cls(name, TIMESTAMP)
        if kind == "BLOB":
            raise UserError(f"Column {name} holds bytes; tables hold text, numbers, booleans, dates and times.")
        return cls(name, INTEGER if kind in _INTEGERS else kind if kind in {BOOLEAN, DATE} else STRING)

    @property
    def key(self) -> str:
        """What two names of one column have in common."""
        return self.name.casefold()

    @property
    def delta_type(self) -> str:
        return self.delta or (f"decimal({self.length})" if self.type == NUMERIC else _DELTA_TYPES[self.type])

    @property
    def duckdb_type(self) -> str:
        kind = self.delta_type
        return kind.upper() if _DECIMAL.fullmatch(kind) else _DUCKDB_TYPES.get(kind, "VARCHAR")

    @property
    def is_foreign(self) -> bool:
        """Of a type that only other programs write."""
        return not _DECIMAL.fullmatch(self.delta_type) and self.delta_type not in _DUCKDB_TYPES

    def describe(self) -> dict[str, Any]:
        described = {"name": self.name, "type": self.type, "nullable": self.nullable}
        return described | ({"length": self.length} if self.length else {})

    def to_delta(self) -> dict[str, Any]:
        kind: Any = json.loads(self.delta_type) if self.delta_type.startswith("{") else self.delta_type
        return {"name": self.name, "type": kind, "nullable": self.nullable, "metadata": {}}


def _parse_length(length: str, name: str) -> str:
    parts = [part.strip() for part in length.split(",")]
    digits, scale = (*parts, "0")[:2]
    if len(parts) > 2 or not digits.isdecimal() or not scale.isdecimal() or not int(scale) <= int(digits) <= 38:
        raise UserError(f'Column {name} has the length "{length}"; NUMERIC has at most 38 digits, like "38,9".')
    return f"{int(digits)},{int(scale)}"


def clean_name(name: str, position: int) -> str:
    """The name that a column gets in a table; ``position`` counts from 1."""
    words = unicodedata.normalize("NFC", name).strip()
    cleaned = re.sub(r"[^\w-]+", "_", words).strip("_")
    return cleaned[:MAX_NAME_LENGTH].rstrip("_") or f"column_{position}"


def clean(columns: list[Column]) -> tuple[list[Column], dict[str, str]]:
    """The columns with names that tables can have, and what was renamed."""
    if len(columns) > MAX_COLUMNS:
        raise UserError(f"There are {len(columns)} columns; a table has at most {MAX_COLUMNS}.")
    cleaned = [replace(column, name=clean_name(column.name, place)) for place, column in enumerate(columns, 1)]
    seen: dict[str, str] = {}
    for old, new in zip(columns, cleaned, strict=True):
        if new.key in seen:
            raise UserError(f'The columns "{seen[new.key]}" and "{old.name}" would have the same name {new.name}.')
        seen[new.key] = old.name
    renamed = {old.name: new.name for old, new in zip(columns, cleaned, strict=True) if old.name != new.name}
    return cleaned, renamed


def find(columns: list[Column], name: str) -> Column:
    """By its name as it is, else by its cleaned name; case does not count."""
    for wanted in (name, clean_name(name, 0)):
        for column in columns:
            if column.key == wanted.casefold():
                return column
    raise UserError(f"There is no column {name}.")
