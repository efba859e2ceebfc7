"""Which data files an import adds to a table and which it takes away: what one commit will say.

Delta tables change by whole files. A file that holds rows to be changed or deleted is written anew without them, and
keeps the moment at which its rows were last changed; the new rows go into files of their own. So ``changed_since`` can
tell by the files which rows changed.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass, field

from jobs.tables import conditions
from jobs.tables import engine as sql
from jobs.tables.describing import count_rows
from jobs.tables.plans import DELETE, FULL, UPSERT, Plan
from jobs.tables.scanning import FILE, ROW, read_files, row_bytes
from jobs.tables.session import Session
from jobs.tables.snapshots import DataFile, Snapshot
from jobs.tables.writing import Written, write_rows

KEY, ALL = "_tutti_key", "_tutti_all"


@dataclass
class Change:
    """``kept``: files written anew, with the stamps of their rows; ``written``: all that was made for this attempt."""

    added: list[Written] = field(default_factory=list)
    kept: list[tuple[Written, int]] = field(default_factory=list)
    removed: list[DataFile] = field(default_factory=list)
    rows_added: int = 0
    rows_removed: int = 0
    written: list[str] = field(default_factory=list)

    @property
    def changes_data(self) -> bool:
        return bool(self.rows_added or self.rows_removed)


def work_out(session: Session, snapshot: Snapshot | None, plan: Plan) -> Change:
    if snapshot is None:
        return Change(added=plan.files, rows_added=plan.rows)
    if plan.mode == FULL:
        removed = count_rows(session.engine, snapshot)
        return Change(plan.files, removed=snapshot.files, rows_added=plan.rows, rows_removed=removed)
    if plan.mode == DELETE and plan.delete_where is None:
        return Change(removed=snapshot.files, rows_removed=count_rows(session.engine, snapshot))
    if not snapshot.files or not (plan.delete_where or (plan.mode == UPSERT and plan.files)):
        return Change(added=plan.files, rows_added=plan.rows)
    return _Replacement(session, snapshot, plan).change


class _Replacement:
    """An upsert or a deletion: 1. find rows that go, 2. write their files anew, 3. leave out what is there."""

    def __init__(self, session: Session, snapshot: Snapshot, plan: Plan) -> None:
        self.session, self.engine, self.plan, self.snapshot = session, session.engine, plan, snapshot
        self.folder = f"{plan.stage}/{secrets.token_hex(4)}"
        self.change = Change()
        self.engine.make_room_for(len(snapshot.columns))
        files = self._take_old_files()
        self.paths = dict(zip(snapshot.local_files(files), files, strict=True))
        self._find_rows()
        self._rewrite()
        self._add()

    def _take_old_files(self) -> list[DataFile]:
        """The files that stay, when whole files go by their age."""
        where = self.plan.delete_where
        if not where or not conditions.is_by_file(where):
            return self.snapshot.files
        limit = conditions.stamp_of(where)
        self.change.removed = [file for file in self.snapshot.files if file.stamp < limit]
        self.change.rows_removed = sum(file.rows or 0 for file in self.change.removed)
        return [file for file in self.snapshot.files if file.stamp >= limit]

    def _find_rows(self) -> None:
        """Fills the tables ``gone`` (rows of the table) and ``same`` (rows of the load that are there as they are)."""
        where = self.plan.delete_where
        is_by_row = where is not None and not conditions.is_by_file(where)
        deleted = conditions.selects(self.engine, where, self.snapshot.columns) if where and is_by_row else "false"
        rows = read_files(self.engine, list(self.paths), self.snapshot.columns, places=True)
        self.engine.rows(f"CREATE OR REPLACE TEMP TABLE gone AS SELECT {FILE}, {ROW} FROM {rows} WHERE {deleted}")
        self.engine.rows(f"CREATE OR REPLACE TEMP TABLE same AS SELECT {FILE}, {ROW} FROM gone LIMIT 0")
        if self.plan.mode != UPSERT or not self.plan.files:
            return
        self._match(f"(SELECT * FROM {rows} WHERE NOT ({deleted}))")
        self.engine.rows("INSERT INTO same SELECT new_file, new_row FROM matched GROUP BY ALL HAVING bool_and(is_same)")
        self.engine.rows(
            f"INSERT INTO gone SELECT DISTINCT {FILE}, {ROW} FROM matched"
            f" ANTI JOIN same ON new_file = same.{FILE} AND new_row = same.{ROW}"
        )

    def _match(self, rows: str) -> None:
        """Pairs of a row of the table and a row of the load with the same key."""
        old, new = rows, self._given_rows()
        key, compared = self.plan.primary_key, [column.name for column in self.snapshot.columns]
        if self.engine.is_careful:
            # The join would hold whole rows: here it holds a digest of their keys, and one of all of their columns.
            old, new, key, compared = self._digested(old), self._digested(new), [KEY], [ALL]
        self.engine.rows(
            f"CREATE OR REPLACE TEMP TABLE matched AS SELECT old.{FILE}, old.{ROW},"
            f" new.{FILE} AS new_file, new.{ROW} AS new_row, {_equal(compared)} AS is_same"
            f" FROM {old} old JOIN {new} new ON {_equal(key)}"
        )

    def _digested(self, rows: str) -> str:
        key, whole = _digest(self.plan.primary_key), _digest([column.name for column in self.snapshot.columns])
        return f"(SELECT {key} AS {KEY}, {FILE}, {ROW}, {whole} AS {ALL} FROM {rows})"

    def _given_rows(self) -> str:
        return read_files(self.engine, self._given_paths(), self.snapshot.columns, places=True)

    def _given_paths(self) -> list[str]:
        return [str(self.session.place.local(self.plan.location, file.path)) for file in self.plan.files]

    def _rewrite(self) -> None:
        """Files that lose rows, those of the same moment together: so small ones grow together in passing."""
        lost = dict(self.engine.rows(f"SELECT {FILE}, count(*) FROM gone GROUP BY {FILE}"))
        groups: dict[int, list[str]] = defaultdict(list)
        for path, count in lost.items():
            file = self.paths[path]
            self.change.removed.append(file)
            self.change.rows_removed += count
            if file.rows != count:
                groups[file.stamp].append(path)
        for number, (stamp, paths) in enumerate(sorted(groups.items())):
            rows = read_files(
                self.engine, sorted(paths, key=list(self.paths).index), self.snapshot.columns, places=True
            )
            kept = self._write(f"kept-{number}", f"{rows} ANTI JOIN gone USING ({FILE}, {ROW})", paths)
            self.change.kept += [(file, stamp) for file in kept]

    def _add(self) -> None:
        self.change.added = self.plan.files
        if self.engine.one("SELECT count(*) FROM same"):
            rows = f"{self._given_rows()} ANTI JOIN same USING ({FILE}, {ROW})"
            self.change.added = self._write("new", rows, self._given_paths())
        self.change.rows_added = sum(file.rows for file in self.change.added)

    def _write(self, name: str, source: str, paths: list[str]) -> list[Written]:
        """``paths``: the files that the rows come from."""
        names = ", ".join(sql.name(column.name) for column in self.snapshot.columns)
        place, location = self.session.place, self.plan.location
        folder = f"{self.folder}-{name}"
        query = f"SELECT {names} FROM {source}"
        bytes_ = row_bytes(self.engine, paths)
        files = write_rows(self.engine, place, location, folder, query, len(self.snapshot.columns), bytes_)
        self.change.written += [file.path for file in files]
        return files


def _digest(names: list[str]) -> str:
    """128 bits for the values of these columns: 16 bytes a row, however many and however long they are.

    Each text goes in with its length, so that no two rows look alike by where one value ends.
    """
    texts = (f"{sql.name(name)}::VARCHAR" for name in names)
    parts = ", ".join(f"coalesce(length({value}) || ':' || {value}, '-')" for value in texts)
    return f"md5_number(concat({parts}))"


def _equal(names: list[str]) -> str:
    return " AND ".join(f"old.{sql.name(name)} IS NOT DISTINCT FROM new.{sql.name(name)}" for name in names)
