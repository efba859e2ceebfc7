"""One table after another: fetch what is new, write it to the data folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.components.ex_http import formats
from jobs.components.ex_http.options import Options, TableOptions
from jobs.components.ex_http.sources import FILE, Fetched, Mark, Source, find_files
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.errors import UserError
from jobs.components.shared.folders import AllowedFolders
from jobs.components.shared.progress import Progress

State = dict[str, Any]
"""Of a table: by which options it was loaded, and the marks of its files."""


class Loader:
    def __init__(self, folder: DataFolder, options: Options) -> None:
        self._folder = folder
        self._options = options
        self._progress = Progress()
        self._folders = AllowedFolders.of_this_job()

    def load(self, table: TableOptions, known: Mapping[str, Any], place: str) -> State:
        """``known``: the state that this returned the last time; ``place``: "table 2 of 5". Raises UserError."""
        sources = [source for address in table.addresses for source in self._sources(address, f"{table.name}, {place}")]
        marks: dict[str, Mark] = known.get("files", {}) if known.get("options") == table.digest else {}
        if not self._options.only_when_changed or not (
            table.incremental or set(marks) == {each.key for each in sources}
        ):
            marks = {}  # a full load of other files than before
        fetched = [source.fetch(marks.get(source.key, {})) for source in sources]
        new = {source.key: file.mark for source, file in zip(sources, fetched, strict=True) if file is not None}
        if not new:
            print(f"{table.name}: nothing new.")
        else:
            self._write(table, self._needed(table, sources, fetched))
        return {"options": table.digest, "files": {**{key: marks[key] for key in marks}, **new}}

    def _sources(self, address: str, place: str) -> list[Source]:
        if address.startswith(FILE):
            return list(find_files(address, self._folders, self._options.limit_bytes))
        from jobs.components.ex_http import web_source  # noqa: PLC0415 -- half of the start of a job that reads files

        def progress(done: int, total: int | None) -> None:
            self._progress.report(done, total, f"Downloading {place}")

        return [web_source.of_url(address, self._options, self._folder.temporary, progress)]

    def _needed(self, table: TableOptions, sources: list[Source], fetched: list[Fetched | None]) -> list[Fetched]:
        """The new files; of a full load all of them, since it replaces what the unchanged ones brought."""
        if table.incremental:
            return [file for file in fetched if file is not None]
        return [file or self._again(source) for source, file in zip(sources, fetched, strict=True)]

    @staticmethod
    def _again(source: Source) -> Fetched:
        file = source.fetch({})
        if file is None:
            raise UserError(f"{source.label}: the server says that it has not changed since a time it was not told.")
        return file

    def _write(self, table: TableOptions, files: list[Fetched]) -> None:
        size = sum(file.path.stat().st_size for file in files)
        print(f"{table.name}: {_counted(files)}, {_amount(size)}.")
        try:
            formats.write(files, table, self._folder, self._options.limit_bytes)
        finally:
            for file in files:
                if file.is_ours:
                    file.path.unlink(missing_ok=True)


def _counted(files: list[Fetched]) -> str:
    return files[0].label if len(files) == 1 else f"{len(files)} files"


def _amount(size_bytes: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"
