"""Stands in for the program of tables (jobs/tables/README.md) where its own work is not the point: rows in JSON files.

The file "fault" beside the tables says where it stops: <verb>:<before|between|after>:<kill|hang>.
"""

from __future__ import annotations

import csv
import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4


class UserError(Exception):
    pass


def main() -> int:
    request = json.loads(Path(sys.argv[1]).read_text())
    verb = request["verb"]
    root = Path(request["storage"]["url"])
    done: list[dict[str, Any]] = []
    answer: dict[str, Any] = {"tables": done}
    code = 0
    fault(root, verb, "before")
    for entry in request["tables"]:
        try:
            fields = VERBS[verb](root / entry["location"], entry)
        except UserError as error:
            message = f"Table {entry['name']}: {error}"
            answer["error"] = {"type": "user", "message": message, "table": entry["name"]}
            code = 1
            break
        done.append({"name": entry["name"], "location": entry["location"], **fields})
        fault(root, verb, "between")
    fault(root, verb, "after")
    Path(sys.argv[2]).write_text(json.dumps(answer))
    return code


def fault(root: Path, verb: str, place: str) -> None:
    """kill: die here, once. hang: as long as the file is there; "there" says that we hang."""
    file = root / "fault"
    try:
        wanted = file.read_text()
    except OSError:
        return
    if wanted == f"{verb}:{place}:kill":
        file.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    if wanted == f"{verb}:{place}:hang":
        (root / "there").touch()
        while file.exists():
            time.sleep(0.02)


def export(folder: Path, entry: dict[str, Any]) -> dict[str, Any]:
    state = newest(folder)
    to = Path(entry["to"])
    columns = entry["columns"] or state["columns"]
    with to.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(state["rows"])
    Path(f"{to}.manifest").write_text(json.dumps({**entry["manifest"], "columns": columns}))
    return {"rows": len(state["rows"]), "columns": described(columns), "delta_version": state["version"]}


def stage(folder: Path, entry: dict[str, Any]) -> dict[str, Any]:
    with Path(entry["source"]).open(newline="") as opened:
        reader = csv.reader(opened)
        columns = list(entry["columns"]) or next(reader)
        lines = list(reader)
    columns = [column["name"] if isinstance(column, dict) else column for column in columns]
    for number, line in enumerate(lines, 2):
        if len(line) != len(columns):
            raise UserError(f"line {number} has {len(line)} fields where the header has {len(columns)}.")
    rows = [dict(zip(columns, line, strict=True)) for line in lines]
    key = uuid4().hex
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"staged-{key}.json").write_text(json.dumps(rows))
    return {
        "rows": len(rows),
        "columns": described(columns),
        "primary_key": entry["primary_key"],
        "is_typed": False,
        "plan": {"stage": key, "mode": entry["mode"], "columns": columns, "key": entry["primary_key"]},
    }


def commit(folder: Path, entry: dict[str, Any]) -> dict[str, Any]:
    plan = entry["plan"]
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = newest(folder)
        if plan["stage"] in state["stages"]:
            return facts(state, plan, already=True)
        if (folder / "refuses").exists():
            raise UserError("its columns do not fit any more.")
        rows = json.loads((folder / f"staged-{plan['stage']}.json").read_text())
        before = state["rows"]
        state["rows"] = merged(plan, before, rows)
        state["columns"] = plan["columns"]
        changed = state["rows"] != before or plan["mode"] == "full"
        state["version"] += 1
        state["stages"][plan["stage"]] = {"version": state["version"], "changed": changed, "rows": len(rows)}
        draft = folder / f"draft-{uuid4().hex}"
        draft.write_text(json.dumps(state))
        draft.rename(folder / "state.json")
        return facts(state, plan, already=False)


def merged(plan: dict[str, Any], before: list[Any], rows: list[Any]) -> list[Any]:
    if plan["mode"] == "full":
        return rows
    if plan["mode"] == "append":
        return before + rows
    by_key = {tuple(row[name] for name in plan["key"]): row for row in [*before, *rows]}
    return list(by_key.values())


def newest(folder: Path) -> dict[str, Any]:
    file = folder / "state.json"
    if not file.exists():
        return {"version": -1, "rows": [], "columns": [], "stages": {}}
    return dict(json.loads(file.read_text()))


def facts(state: dict[str, Any], plan: dict[str, Any], *, already: bool) -> dict[str, Any]:
    mine = state["stages"][plan["stage"]]
    return {
        "already": already,
        "data_changed": mine["changed"],
        "committed_version": mine["version"],
        "rows_added": mine["rows"],
        "rows_removed": 0,
        "primary_key": plan["key"],
        "delta_version": state["version"],
        "rows": len(state["rows"]),
        "size_bytes": len(json.dumps(state["rows"])),
        "columns": described(state["columns"]),
        "preview": [list(row.values()) for row in state["rows"][:100]],
    }


def described(columns: list[str]) -> list[dict[str, Any]]:
    return [{"name": name, "type": "STRING", "nullable": True} for name in columns]


VERBS = {"export": export, "stage": stage, "commit": commit}

if __name__ == "__main__":
    sys.exit(main())
