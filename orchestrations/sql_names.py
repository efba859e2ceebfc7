"""The tables that SQL names and does not make itself. Pure; loads its parser when the first SQL is looked at."""

from __future__ import annotations

from typing import Any

LONGEST = 100_000
"""Characters; of longer texts nothing is said, since parsing them would keep the person who saves waiting."""
DIALECT = "duckdb"


def not_made_in(text: str) -> list[str]:
    """In the order in which they first stand there; none when it cannot be read."""
    if len(text) > LONGEST:
        return []
    # Not above: it takes a tenth of a second and memory that no worker needs that saves no SQL.
    import sqlglot  # noqa: PLC0415

    try:
        statements = [each for each in sqlglot.parse(text, read=DIALECT) if each is not None]
    except (sqlglot.errors.SqlglotError, RecursionError):
        return []
    made: set[str] = set()
    named: dict[str, str] = {}
    for statement in statements:
        made |= _made_by(statement)
        for name in _named_by(statement):
            named.setdefault(name.lower(), name)
    return [name for lower, name in named.items() if lower not in made]


def _made_by(statement: Any) -> set[str]:
    """What exists after the statement, and what only exists within it."""
    from sqlglot import exp  # noqa: PLC0415

    made = {each.alias.lower() for each in statement.find_all(exp.CTE)}
    if isinstance(statement, exp.Create) and statement.this is not None:
        target = statement.this if isinstance(statement.this, exp.Table) else statement.this.find(exp.Table)
        made |= {target.name.lower()} if target is not None else set()
    for renamed in statement.find_all(exp.AlterRename):
        made.add(renamed.this.name.lower())
    return made


def _named_by(statement: Any) -> list[str]:
    """Plain names: what has a schema is of the database's own, what has none and no name is a function."""
    from sqlglot import exp  # noqa: PLC0415

    tables = statement.find_all(exp.Table)
    return [each.name for each in tables if each.name and not each.db and isinstance(each.this, exp.Identifier)]
