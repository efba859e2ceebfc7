"""The statements of a script, where each stands in it, and errors with their place."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import duckdb

from jobs.components.shared.errors import UserError

EXCERPT = 100
"""Characters of a line that an error shows."""
TITLE = 80
# Those that reach files, other databases, extensions and settings are not among them. EXPLAIN, PREPARE and EXECUTE
# would carry out what they hold.
POSSIBLE = {
    duckdb.StatementType.SELECT,
    duckdb.StatementType.CREATE,
    duckdb.StatementType.INSERT,
    duckdb.StatementType.UPDATE,
    duckdb.StatementType.DELETE,
    duckdb.StatementType.MERGE_INTO,
    duckdb.StatementType.DROP,
    duckdb.StatementType.ALTER,
    duckdb.StatementType.TRANSACTION,
    duckdb.StatementType.SET,
    duckdb.StatementType.VACUUM,
    duckdb.StatementType.MULTI,  # PIVOT
}
_COMMENT = re.compile(r"\s+|--[^\n]*(\n|$)|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Statement:
    """``start``: where its text begins in the script; ``line``: of its first word."""

    number: int
    text: str
    start: int
    line: int

    @property
    def title(self) -> str:
        """Its beginning, on one line."""
        words = " ".join(self.text[_begin(self.text) :].rstrip().rstrip(";").split())
        return words if len(words) <= TITLE else f"{words[: TITLE - 1]}…"


class Script:
    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")

    def statements(self, database: duckdb.DuckDBPyConnection) -> list[Statement]:
        """All of them, read before the first is carried out. Raises UserError."""
        try:
            parsed = database.extract_statements(self._text)
        except duckdb.Error as error:
            raise UserError(self._explain_syntax(error, database)) from error
        found: list[Statement] = []
        end = 0
        for number, each in enumerate(parsed, start=1):
            start = max(self._text.find(each.query, end), end)
            end = start + len(each.query)
            statement = Statement(number, each.query, start, self._line(start + _begin(each.query)))
            if not _is_possible(each):
                word = each.type.name.replace("_", " ")
                raise UserError(f"{_where(statement)}: {word} is not possible here.\n{self._excerpt(statement)}")
            found.append(statement)
        if not found:
            raise UserError("code: there is no statement.")
        return found

    def explain(self, error: duckdb.Error, statement: Statement) -> str:
        message, position = _read(error, statement.text)
        if position is None:
            return f"{_where(statement)}: {message}\n{self._excerpt(statement)}"
        place = statement.start + position
        return f"Statement {statement.number}, line {self._line(place)}: {message}\n{self._marked(place)}"

    def _explain_syntax(self, error: duckdb.Error, database: duckdb.DuckDBPyConnection) -> str:
        message, position = _read(error, self._text)
        if position is None:
            return f"code: {message}"
        number = 1 + self._count(position, database)
        return f"Statement {number}, line {self._line(position)}: {message}\n{self._marked(position)}"

    def _count(self, end: int, database: duckdb.DuckDBPyConnection) -> int:
        """Of the whole statements before this place; a semicolon may as well stand in a text."""
        while (end := self._text.rfind(";", 0, end)) >= 0:
            try:
                return len(database.extract_statements(self._text[: end + 1]))
            except duckdb.Error:
                continue
        return 0

    def _line(self, place: int) -> int:
        return self._text.count("\n", 0, place) + 1

    def _excerpt(self, statement: Statement) -> str:
        return self._line_at(statement.start + _begin(statement.text))[0]

    def _marked(self, place: int) -> str:
        line, column = self._line_at(place)
        return f"{line}\n{' ' * column}^"

    def _line_at(self, place: int) -> tuple[str, int]:
        """The line cut to what is around the place, and the place in that."""
        begin = self._text.rfind("\n", 0, place) + 1
        line = self._text[begin:].split("\n", 1)[0].replace("\t", " ")
        column = place - begin
        cut = max(0, min(column - EXCERPT // 2, len(line) - EXCERPT))
        return line[cut : cut + EXCERPT], column - cut


def sentence_of(error: duckdb.Error) -> str:
    return _read(error, "")[0]


def _is_possible(statement: duckdb.Statement) -> bool:
    return statement.type in POSSIBLE and not _copies(statement.query)


def _copies(text: str) -> bool:
    """Whether a statement of another type writes a file: one that pivots what it copies, or whose WITH copies."""
    told = text.encode()
    found = [(place, kind) for place, kind in duckdb.tokenize(text) if kind != duckdb.token_type.comment]
    ends = [place for place, _ in found[1:]] + [len(told)]
    words = [_word(told[place:end]) for (place, _), end in zip(found, ends, strict=True)]
    openings = {("AS", "("), ("MATERIALIZED", "(")}
    for number, ((_, kind), word) in enumerate(zip(found, words, strict=True)):
        is_first = number == 0 or tuple(words[max(number - 2, 0) : number]) in openings
        if is_first and word == "COPY" and kind == duckdb.token_type.keyword:
            return True
    return False


def _word(token: bytes) -> str:
    """Without the blanks and comments that stand before the next one."""
    found = re.match(rb"\w+|\W", token)
    return found[0].decode(errors="replace").upper() if found else ""


def _where(statement: Statement) -> str:
    return f"Statement {statement.number}, line {statement.line}"


def _begin(text: str) -> int:
    """Where the first word stands, after blanks and comments."""
    place = 0
    while found := _COMMENT.match(text, place):
        place = found.end()
    return place


def _read(error: duckdb.Error, text: str) -> tuple[str, int | None]:
    """The sentence, and the place that it is about; positions are counted in bytes."""
    said = str(error)
    try:
        details = json.loads(said[said.index("{") :])
    except ValueError:
        return said.splitlines()[0], None
    message = " ".join(str(details.get("exception_message", said)).split())
    message = message if message.endswith((".", "!", "?")) else f"{message}."
    given, name = details.get("position"), details.get("name")
    if given is None:
        return message, None
    rest = text.encode()[int(given) :].decode(errors="ignore")
    # A fault in the definition of a view is placed in that one's text, not in this.
    is_here = bool(rest) and (not name or rest.lstrip('"').lower().startswith(str(name).lower()))
    return message, len(text.encode()[: int(given)].decode(errors="ignore")) if is_here else None
