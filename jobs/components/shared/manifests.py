"""Manifests of tables, as the Common Interface has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TYPES = ("STRING", "INTEGER", "NUMERIC", "FLOAT", "BOOLEAN", "DATE", "TIMESTAMP")
"""The types of columns that tables know."""


@dataclass(frozen=True)
class Column:
    """``length``: "38,9" of a NUMERIC; "" where the type has none."""

    name: str
    type: str = "STRING"
    length: str = ""
    is_nullable: bool = True
    is_primary_key: bool = False

    def as_json(self) -> dict[str, Any]:
        base = {"type": self.type, **({"length": self.length} if self.length else {})}
        return {
            "name": self.name,
            "data_type": {"base": base},
            "nullable": self.is_nullable,
            "primary_key": self.is_primary_key,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Column:
        base = given.get("data_type", {}).get("base", {})
        return cls(
            name=given["name"],
            type=base.get("type", "STRING"),
            length=base.get("length") or "",
            is_nullable=given.get("nullable", True),
            is_primary_key=given.get("primary_key", False),
        )


@dataclass(frozen=True)
class OutputManifest:
    """What is said of an output table; what is left empty is for the mapping or the file's name to say.

    ``columns``: names only, of a file without a row of names. ``schema``: names with types, instead of ``columns``.
    """

    destination: str = ""
    primary_key: Sequence[str] = ()
    incremental: bool = False
    columns: Sequence[str] = ()
    schema: Sequence[Column] = ()
    delimiter: str = ","
    enclosure: str = '"'
    delete_where_column: str = ""
    delete_where_operator: str = "eq"
    delete_where_values: Sequence[str] = ()
    metadata: Sequence[Mapping[str, str]] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        manifest: dict[str, Any] = {"incremental": self.incremental}
        for name in ("destination", "delimiter", "enclosure"):
            if getattr(self, name):
                manifest[name] = getattr(self, name)
        for name in ("primary_key", "columns", "metadata"):
            if getattr(self, name):
                manifest[name] = list(getattr(self, name))
        if self.schema:
            manifest["schema"] = [column.as_json() for column in self.schema]
        if self.delete_where_column:
            manifest["delete_where_column"] = self.delete_where_column
            manifest["delete_where_operator"] = self.delete_where_operator
            manifest["delete_where_values"] = list(self.delete_where_values)
        return manifest
