"""Which format the files of a table have, and who writes it."""

from __future__ import annotations

from collections.abc import Callable

from jobs.components.ex_http import csv_files, json_lines, unpacking
from jobs.components.ex_http.options import TableOptions
from jobs.components.ex_http.sources import PARQUET_MAGIC, Fetched
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.errors import UserError
from jobs.components.shared.manifests import OutputManifest

Writer = Callable[[list[Fetched], TableOptions, DataFolder, int], tuple[str, OutputManifest]]
"""Writes the rows to `out/tables`: the name there, and what is known of them."""

SNIFFED_BYTES = 1000


def write(files: list[Fetched], table: TableOptions, folder: DataFolder, limit_bytes: int) -> None:
    """Raises UserError."""
    found = {table.format} if table.format != "auto" else {_sniffed(file, limit_bytes) for file in files}
    if len(found) > 1:
        raise UserError(f"{table.name}: its files are of several formats ({', '.join(sorted(found))}).")
    name, manifest = _writer(found.pop())(files, table, folder, limit_bytes)
    folder.write_manifest(name, manifest)


def _writer(name: str) -> Writer:
    if name == "parquet":
        from jobs.components.ex_http import parquet_files  # noqa: PLC0415 -- DuckDB, which the others do not need

        return parquet_files.write
    return json_lines.write if name == "json-lines" else csv_files.write


def _sniffed(file: Fetched, limit_bytes: int) -> str:
    with unpacking.opened(file, limit_bytes) as stream:
        start = stream.read(SNIFFED_BYTES)
    if start.startswith(PARQUET_MAGIC):
        return "parquet"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        raise UserError(f"{file.label}: is a web page, not data; maybe it asks for a login.")
    return "json-lines" if text.startswith((b"{", b"[")) else "csv"
