"""The form that loads a CSV file into a table."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

from django import forms
from django.conf import settings

from jobs.views import csv_files
from jobs.views.csv_files import DELIMITERS
from jobs.views.receiving import ReceivedFile
from jobs.views.storage_forms import StorageForm
from orchestrations import table_ids
from orchestrations.lib.amounts import size_words
from orchestrations.models import Table

FOUND = "auto"
FULL, ADD = "full", "add"
SHOWN_COLUMNS = 8
NAME_RULE = "letters without accents, digits, dashes and underscores"


class UploadForm(StorageForm):
    """``table``: into which; None for a new one. After ``is_valid`` it knows ``columns`` and ``delimiter``."""

    file = forms.FileField(
        label="CSV file",
        widget=forms.FileInput(attrs={"class": "input input--file", "accept": ".csv,.tsv,.txt,.gz,text/csv"}),
        error_messages={"required": "Choose a file.", "empty": "The file is empty."},
    )
    name = forms.CharField(
        label="Name of the table",
        required=False,
        help_text="Left blank: as the file is called.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    mode = forms.ChoiceField(label="What becomes of the rows that are there", widget=forms.RadioSelect, initial=FULL)
    primary_key = forms.CharField(
        required=False,
        help_text="Names of columns, separated by commas. Of two rows with the same key the later one counts.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    delimiter = forms.ChoiceField(
        choices=[(FOUND, "Found in the first line"), *DELIMITERS.items()], initial=FOUND, required=False
    )
    has_header = forms.BooleanField(label="The first line names the columns", required=False, initial=True)

    def __init__(self, *args: Any, table: Table | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table
        self.columns: list[str] = []
        self.fields["file"].help_text = f"Text in UTF-8, also compressed with gzip; at most {self.limit}."
        if table is None:
            del self.fields["mode"]
            return
        del self.fields["name"]
        key = ", ".join(table.primary_key)
        add = f"Keep them; a row with the same key ({key}) replaces the old one" if key else "Keep them and add these"
        self.fields["mode"].choices = [(FULL, "Replace all of them"), (ADD, add)]  # type: ignore[attr-defined]
        if key or table.rows:
            del self.fields["primary_key"]

    @property
    def limit(self) -> str:
        return size_words(settings.UPLOAD_LIMIT_BYTES)

    def clean_file(self) -> ReceivedFile:
        file: ReceivedFile = self.cleaned_data["file"]
        if file.path is None:
            raise forms.ValidationError(
                f"The file is larger than {self.limit}, which is the most that can be uploaded."
            )
        return file

    def clean_primary_key(self) -> list[str]:
        return [each.strip() for each in str(self.cleaned_data["primary_key"]).split(",") if each.strip()]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        file = given.get("file")
        if isinstance(file, ReceivedFile) and file.path is not None:
            if "name" in self.fields:
                given["name"] = given.get("name") or table_ids.cleaned(_stem(file.name))
                self._check_name(given["name"])
            self._read_head(file.path, given)
        return given

    def _check_name(self, name: str) -> None:
        if not name:
            self.add_error("name", "Give it a name.")
        elif not table_ids.is_name(name):
            self.add_error("name", f"Expected {NAME_RULE}, at most {table_ids.NAME_LIMIT}.")

    def _read_head(self, path: Path, given: dict[str, Any]) -> None:
        try:
            head = csv_files.head_of(path)
            if given.get("delimiter") not in DELIMITERS:
                given["delimiter"] = csv_files.delimiter_of(head)
            row = csv_files.first_row_of(head, given["delimiter"])
        except csv_files.Unreadable as error:
            self.add_error("file", str(error))
            return
        self.columns = row if given.get("has_header") else self._numbered(row)
        known = {each.casefold() for each in self.columns}
        unknown = [each for each in given.get("primary_key") or [] if each.casefold() not in known]
        if unknown:
            shown = ", ".join(self.columns[:SHOWN_COLUMNS]) + (", …" if len(self.columns) > SHOWN_COLUMNS else "")
            self.add_error("primary_key", f"The file has no column {unknown[0]}. It has {shown}.")

    def _numbered(self, row: list[str]) -> list[str]:
        """Names for a file that brings none: those of the table, as many as there are."""
        known = [str(each["name"]) for each in self.table.columns] if self.table else []
        return known[: len(row)] + [f"column_{number}" for number in range(len(known) + 1, len(row) + 1)]


def _stem(name: str | None) -> str:
    """ "orders.csv.gz" is "orders"."""
    return PurePath(name or "").name.split(".", 1)[0]
