"""What can go wrong, told apart by whose fault it is."""

from __future__ import annotations


class TableError(Exception):
    """A sentence for people; ``detail`` is for the log."""

    kind = "application"
    exit_code = 2

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class UserError(TableError):
    """The data or the wish is at fault: doing it again cannot help."""

    kind = "user"
    exit_code = 1


class StorageError(TableError):
    """We or the storage are at fault: doing it again may help."""
