"""What a configuration wants to be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.components.shared.errors import UserError

_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One output table. Either ``table`` or ``query`` is given."""

    output: str
    table: str = ""
    query: str = ""
    columns: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = ()
    incremental_column: str = ""
    as_text: bool = False

    @property
    def title(self) -> str:
        return self.table or f"the query for {self.output}"


def read(parameters: Mapping[str, Any]) -> list[Wish]:
    """Raises UserError."""
    wanted = [_read(raw, f"tables[{place}]") for place, raw in enumerate(parameters["tables"])]
    known: set[str] = set()
    for place, wish in enumerate(wanted):
        if wish.output.lower() in known:
            raise UserError(f"tables[{place}].output: there is another table for {wish.output}.")
        known.add(wish.output.lower())
    return wanted


def _read(raw: Mapping[str, Any], path: str) -> Wish:
    table = (raw.get("table") or "").strip()
    query = (raw.get("query") or "").strip().rstrip(";").rstrip()
    output = raw.get("output") or _UNFIT.sub("-", table.rpartition(".")[2]).strip("-")
    if bool(table) == bool(query):
        raise UserError(f"{path}: give either a table or a query.")
    if query and raw.get("columns"):
        raise UserError(f"{path}.columns: a query names its columns itself.")
    if not output:
        raise UserError(f"{path}.output: give the output table a name.")
    return Wish(
        output=output,
        table=table,
        query=query,
        columns=tuple(raw.get("columns") or ()),
        primary_key=tuple(raw.get("primary_key") or ()),
        incremental_column=(raw.get("incremental_column") or "").strip(),
        as_text=bool(raw.get("as_text")),
    )
