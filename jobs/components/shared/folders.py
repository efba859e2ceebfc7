"""Files outside of the data folder: only below the folders that the administrator allows, and the project's own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jobs.components.shared.errors import UserError

SETTING = "TUTTI_FILES_DIRS"
READ_ONLY = ":ro"
DEMO = "@demo"
"""The first part of a path: the data that comes with the product, wherever that is installed at the moment."""


@dataclass(frozen=True)
class AllowedFolder:
    path: Path
    is_writable: bool


class AllowedFolders:
    """Folders by their real paths; links that lead out of them lead nowhere."""

    def __init__(self, folders: list[AllowedFolder], project: Path | None) -> None:
        self._folders = [*folders, *([AllowedFolder(_real(project), True)] if project else [])]
        self._project = project

    @classmethod
    def of_this_job(cls) -> AllowedFolders:
        words = filter(None, (word.strip() for word in os.environ.get(SETTING, "").split(",")))
        folders = [
            AllowedFolder(_real(Path(word.removesuffix(READ_ONLY))), not word.endswith(READ_ONLY)) for word in words
        ]
        project = os.environ.get("TUTTI_PROJECT_FILES")
        return cls(folders, Path(project) if project else None)

    def find(self, text: str, *, to_write: bool = False) -> Path:
        """The real path of ``text``, which may not exist yet; a relative one is below the files of the project.

        Raises UserError.
        """
        path = _named(text)
        if "\0" in text or not (path.is_absolute() or self._project):
            raise UserError(f"{text!r} is not a path of a file.")
        real = _real((self._project or Path()) / path)
        allowed = [each for each in self._folders if real == each.path or each.path in real.parents]
        if not allowed:
            raise UserError(f"{text}: is not below a folder that the administrator allows by {SETTING}.")
        if to_write and not any(each.is_writable for each in allowed):
            raise UserError(f"{text}: lies in a folder that the administrator allows for reading only ({SETTING}).")
        return real


def _named(text: str) -> Path:
    path = Path(text)
    shipped = os.environ.get("TUTTI_DEMO_DATA")
    return Path(shipped, *path.parts[1:]) if shipped and path.parts[:1] == (DEMO,) else path


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path}: cannot be followed to a file.") from error
