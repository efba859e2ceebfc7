"""The grammar of queries of jobs, and what is said of a text that it does not fit. Pure; used through ``parsing``.

``status:error -component:writer (Orders OR "Daily Sales") duration:>2m created:[2026-11-01 TO *]``
Terms beside one another must all hold; OR binds weaker than that, parentheses group, - or NOT turns a part round.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

from jobs.search import syntax
from jobs.search.syntax import BadQuery, Between, Compared, Exact, Not, Place, Query, Term, Value, Word

LONGEST = 500
DEEPEST = 12

# A field reaches to its colon and needs its value right behind it. The lexer is contextual: "-" begins a value, but
# turns round what stands alone, and TO is a word outside of brackets.
GRAMMAR = r"""
start: some?
some: every (_OR every)*
every: part (_AND? part)*
?part: (_MINUS | _NOT) part -> negated
     | "(" some ")"
     | FIELD value -> term
     | (WORD | QUOTED) -> word
?value: (SCALAR | QUOTED) -> exact
      | SIGN scalar -> compared
      | OPEN scalar _TO scalar CLOSE -> between
?scalar: SCALAR | QUOTED

_OR.6: /OR(?=[\s()]|\Z)/
_AND.6: /AND(?=[\s()]|\Z)/
_NOT.6: /NOT(?=[\s()]|\Z)/
_TO.6: /TO(?=\s)/
FIELD.5: /[A-Za-z_]\w*:(?=[^\s)])/
_MINUS.4: /-(?=\S)/
SIGN.4: />=|<=|>|</
OPEN.4: /[\[{]/
CLOSE.4: /[\]}]/
QUOTED.3: /"(?:[^"\\]|\\.)*"/s
SCALAR: /[^\s()"\[\]{}<>][^\s()"\[\]{}]*/
WORD: /(?!(?:OR|AND|NOT)(?:[\s()]|\Z))[^\s()":-](?:[^\s()":]|:(?=[^\s()"]))*/
%ignore /\s+/
"""
_OPEN_RANGE = re.compile(r":[\[{][^\]}]*\Z")
_RANGE = "A range is written [from TO to], with * for an open end."


def parse(text: str) -> Query:
    """Raises BadQuery."""
    if len(text) > LONGEST:
        raise BadQuery(f"This query is longer than {LONGEST} characters.", Place(LONGEST + 1, len(text) - LONGEST))
    if "\x00" in text:
        raise BadQuery("This character cannot be searched for.", Place(text.index("\x00") + 1, 1))
    try:
        tree: Query = _parser().parse(text)  # type: ignore[assignment]
    except UnexpectedInput as error:
        raise _explained(text, error) from error
    return tree


@v_args(inline=True)
class _Builder(Transformer[Token, Query]):
    """Runs while parsing, from the leaves up, so a deep text never makes a deep call."""

    def start(self, query: Query | None = None) -> Query:
        return syntax.All() if query is None else query

    def some(self, *parts: Query) -> Query:
        return _bounded(syntax.some(parts))

    def every(self, *parts: Query) -> Query:
        return _bounded(syntax.every(parts))

    def negated(self, part: Query) -> Query:
        return _bounded(Not(part))

    def term(self, field: Token, value: Value) -> Query:
        return Term(field[:-1].lower(), value, _from(field, value.place.column + value.place.length))

    def word(self, token: Token) -> Query:
        return Word(_plain(token), _place(token))

    def exact(self, token: Token) -> Value:
        return Exact(_plain(token), _place(token))

    def compared(self, sign: Token, token: Token) -> Value:
        return Compared(str(sign), _plain(token), _from(sign, (token.end_pos or 0) + 1))

    def between(self, opened: Token, low: Token, high: Token, closed: Token) -> Value:
        place = _from(opened, (closed.end_pos or 0) + 1)
        return Between(_plain(low), _plain(high), opened == "[", closed == "]", place)


@cache
def _parser() -> Lark:
    """Built by the first query of a process, not at its start: it takes a few milliseconds."""
    return Lark(GRAMMAR, parser="lalr", transformer=_Builder())


def _bounded(query: Query) -> Query:
    if syntax.depth(query) > DEEPEST:
        raise BadQuery("This query is nested too deeply.", Place(1, 0))
    return query


def _plain(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL) if token.type == "QUOTED" else str(token)


def _place(token: Token) -> Place:
    return Place((token.start_pos or 0) + 1, len(token))


def _from(token: Token, end_column: int) -> Place:
    column = (token.start_pos or 0) + 1
    return Place(column, end_column - column)


def _explained(text: str, error: UnexpectedInput) -> BadQuery:
    at = int(getattr(error, "pos_in_stream", None) or 0)
    token: Any = getattr(error, "token", None)
    if isinstance(error, UnexpectedToken) and token.type == "$END":
        return BadQuery(_of_the_end(text), Place(max(len(text.rstrip()), 1), 1))
    if isinstance(error, UnexpectedCharacters):
        token = text[at : at + 1]
    return BadQuery(_of(text, at, str(token)), Place(at + 1, max(len(str(token)), 1)))


def _of_the_end(text: str) -> str:
    last = text.split()[-1] if text.split() else ""
    if text.count("(") > text.count(")"):
        return "A parenthesis is not closed."
    if re.search(_OPEN_RANGE, text):
        return _RANGE
    return f"After “{last}” something is missing."


def _of(text: str, at: int, found: str) -> str:
    if re.search(_OPEN_RANGE, text[:at]):
        return _RANGE
    if found == '"':
        return "This quotation mark has no partner."
    if found == ":":
        name = re.search(r"\w*\Z", text[:at])
        return f"“{name[0] if name else ''}:” needs a value right behind the colon."
    if found == ")":
        return "This parenthesis closes nothing." if "(" not in text[:at] else "Here something is missing before “)”."
    if found in syntax.KEYWORDS:
        return f"{found} needs something to look for on both sides."
    if found == "-":
        return "“-” has to stand right before what shall not match."
    return f"“{found}” was not expected here."
