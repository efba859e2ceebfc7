"""What ``stage`` found out and ``commit`` needs: small, and the same on every machine."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from jobs.tables.columns import Column
from jobs.tables.errors import StorageError, UserError
from jobs.tables.places import STAGE, check_location
from jobs.tables.writing import Written

FULL, APPEND, UPSERT, DELETE = "full", "append", "upsert", "delete"
MODES = (FULL, APPEND, UPSERT, DELETE)


@dataclass
class Plan:
    """``columns`` are those of the data files; ``delete_where`` is resolved (conditions.py)."""

    stage: str
    location: str
    mode: str
    files: list[Written] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    primary_key: list[str] = field(default_factory=list)
    delete_where: dict[str, Any] | None = None

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def size_bytes(self) -> int:
        return sum(file.size for file in self.files)

    def to_json(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "location": self.location,
            "mode": self.mode,
            "files": [[file.path, file.size, file.rows] for file in self.files],
            "columns": [[column.name, column.delta_type, column.nullable] for column in self.columns],
            "primary_key": self.primary_key,
            "delete_where": self.delete_where,
        }

    @classmethod
    def from_json(cls, plan: dict[str, Any]) -> Plan:
        return cls(
            check_stage(plan["stage"]),
            check_location(plan["location"]),
            check_mode(plan["mode"]),
            [Written(*file) for file in plan["files"]],
            [Column.from_delta(dict(zip(("name", "type", "nullable"), c, strict=True))) for c in plan["columns"]],
            plan["primary_key"],
            plan["delete_where"],
        )


def check_mode(mode: Any) -> str:
    if mode not in MODES:
        raise UserError(f'"{mode}" is no mode of an import; there are {", ".join(MODES)}.')
    return str(mode)


def check_stage(stage: Any) -> str:
    if not STAGE.fullmatch(str(stage)):
        raise StorageError(f'"{stage}" cannot name a stage: letters, digits, _ and -, at most 100.')
    return str(stage)


def new_stage() -> str:
    return secrets.token_hex(12)
