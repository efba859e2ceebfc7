"""From a request to its answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from deltalake.exceptions import DeltaError

from jobs.tables import faultfinding, plans
from jobs.tables.committing import commit
from jobs.tables.counting import count
from jobs.tables.describing import preview
from jobs.tables.engine import Engine
from jobs.tables.errors import StorageError, TableError
from jobs.tables.exporting import export
from jobs.tables.inspecting import inspect
from jobs.tables.maintaining import clean, drop, vacuum
from jobs.tables.places import open_place
from jobs.tables.plans import Plan
from jobs.tables.session import Session
from jobs.tables.staging import forget, stage

Answer = dict[str, Any]
Verb = Callable[[Session, dict[str, Any]], Answer]


def delete(session: Session, entry: dict[str, Any]) -> Answer:
    staged = stage(session, {**entry, "mode": plans.DELETE})
    return commit(session, {**entry, "plan": staged["plan"]})


def truncate(session: Session, entry: dict[str, Any]) -> Answer:
    return delete(session, {**entry, "delete_where": None})


VERBS: dict[str, Verb] = {
    "export": export,
    "stage": stage,
    "commit": commit,
    "delete": delete,
    "truncate": truncate,
    "count": count,
    "inspect": inspect,
    "preview": preview,
    "vacuum": vacuum,
    "drop": drop,
}


def answer(request: dict[str, Any], scratch: Path, now: datetime) -> tuple[Answer, int]:
    """The answer and the exit code. ``scratch`` is a folder for temporary files, when the request names none."""
    done: list[Answer] = []
    entry: dict[str, Any] = {}
    try:
        with Engine(request.get("limits") or {}, scratch) as engine:
            session = Session(open_place(request.get("storage") or {}, engine.scratch), engine, now)
            if request.get("verb") == "clean":
                return clean(session, request), 0
            verb = _find_verb(request)
            try:
                for entry in request.get("tables") or ():
                    done.append(
                        {"name": entry.get("name"), "location": entry.get("location"), **_do(verb, session, entry)}
                    )
            except BaseException:
                if verb is stage:
                    while done:
                        forget(session, Plan.from_json(done.pop()["plan"]))
                raise
    except Exception as error:
        return _refuse(_understand(error), entry, done)
    return {"tables": done}, 0


def _do(verb: Verb, session: Session, entry: dict[str, Any]) -> Answer:
    try:
        return verb(session, entry)
    except duckdb.OutOfMemoryException:
        if session.engine.is_careful:
            raise
        session.engine.go_carefully()
        return verb(session, entry)


def _find_verb(request: dict[str, Any]) -> Verb:
    if verb := VERBS.get(str(request.get("verb"))):
        return verb
    raise StorageError(f'"{request.get("verb")}" is no verb; there are {", ".join([*VERBS, "clean"])}.')


def _understand(error: Exception) -> TableError:
    if isinstance(error, TableError):
        return error
    if isinstance(error, duckdb.Error):
        return faultfinding.explain(error, [], None)
    if isinstance(error, DeltaError | OSError):
        return StorageError("The storage could not be read or written.", f"{type(error).__name__}: {error}")
    if isinstance(error, KeyError | TypeError | ValueError):
        return StorageError("The request is not complete.", f"{type(error).__name__}: {error}")
    raise error


def _refuse(error: TableError, entry: dict[str, Any], done: list[Answer]) -> tuple[Answer, int]:
    name = entry.get("name") or entry.get("location")
    message = f"Table {name}: {error}" if name else str(error)
    refusal = {"type": error.kind, "message": message, "table": name, "detail": error.detail}
    return {"error": refusal, "tables": done}, error.exit_code
