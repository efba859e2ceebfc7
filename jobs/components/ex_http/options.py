"""The parameters of a configuration, as component.json describes them, in the program's own words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.components.shared.errors import UserError
from jobs.components.shared.http import headers

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class TableOptions:
    name: str
    addresses: list[str]
    format: str = "auto"
    delimiter: str = ","
    enclosure: str = '"'
    encoding: str = "utf-8"
    has_header: bool = True
    columns: list[str] = field(default_factory=list)
    primary_key: list[str] = field(default_factory=list)
    incremental: bool = False

    @property
    def destination(self) -> str:
        """Its full id, when it was given one."""
        return self.name if "." in self.name else ""

    @property
    def digest(self) -> str:
        """Changes with every option: what was loaded otherwise is not "unchanged"."""
        return digest(json.dumps(vars(self), sort_keys=True))


@dataclass(frozen=True)
class Options:
    tables: list[TableOptions]
    headers: dict[str, str]
    only_when_changed: bool
    timeout_seconds: float
    retries: int
    limit_bytes: int
    """Of one file, as it comes and unpacked."""

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> Options:
        """Raises UserError."""
        own = headers.read(parameters.get("headers") or {})
        return cls(
            tables=[_table(each) for each in parameters.get("tables") or []],
            headers={**own, **headers.authorization(parameters.get("authentication") or {})},
            only_when_changed=parameters.get("only_when_changed", True),
            timeout_seconds=parameters.get("timeout_seconds", 60),
            retries=parameters.get("retries", 5),
            limit_bytes=int(parameters.get("limit_megabytes", 10_000) * MEGABYTE),
        )


def _table(given: Mapping[str, Any]) -> TableOptions:
    csv = given.get("csv") or {}
    delimiter = csv.get("delimiter", ",")
    table = TableOptions(
        name=given["table"],
        addresses=list(given["addresses"]),
        format=given.get("format", "auto"),
        delimiter="\t" if delimiter == "\\t" else delimiter,
        enclosure=csv.get("enclosure", '"'),
        encoding=csv.get("encoding", "utf-8"),
        has_header=csv.get("has_header", True),
        columns=list(csv.get("columns") or []),
        primary_key=list(given.get("primary_key") or []),
        incremental=given.get("incremental", False),
    )
    if table.delimiter == table.enclosure:
        raise UserError(f"tables: {table.name}: delimiter and enclosure are the same sign.")
    return table


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
