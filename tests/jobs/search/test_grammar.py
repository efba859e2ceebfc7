"""The language of queries: what is understood, how it is written, and what is said of the rest."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.search import meanings, suggesting, syntax
from jobs.search.grammar import DEEPEST, LONGEST
from jobs.search.meanings import Clock
from jobs.search.parsing import parse
from jobs.search.syntax import All, Any, BadQuery, Between, Compared, Exact, Not, Query, Term, Word

CLOCK = Clock(datetime(2026, 11, 23, 12, 0, tzinfo=UTC), UTC)
SYMBOLS = st.sampled_from(
    ["status:", "duration:>", "created:[", " TO ", "]", "}", "{", '"', "-", "(", ")", " OR ", " AND ", "NOT ", " "],
)
PIECES = SYMBOLS | st.sampled_from(
    ["error", "2m", "-7d", "*", ":", "\\", "2026-11-01", ">=", "\n", "9999-12-31", "0001-01-01", "é", "id:"]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map("".join))
WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
VALUES = st.one_of(
    WORDS.map(Exact),
    st.builds(Compared, st.sampled_from([">", ">=", "<", "<="]), WORDS),
    st.builds(Between, WORDS, WORDS, st.booleans(), st.booleans()),
)
LEAVES = st.one_of(WORDS.map(Word), st.builds(Term, NAMES, VALUES))


def _some(queries: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    lists = st.lists(queries, min_size=2, max_size=3).map(tuple)
    return st.one_of(queries.map(Not), lists.map(syntax.every), lists.map(syntax.some))


QUERIES = st.recursive(LEAVES, _some, max_leaves=6).filter(lambda query: syntax.depth(query) <= DEEPEST)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", All()),
        ("status:error", Term("status", Exact("error"))),
        ("STATUS:error", Term("status", Exact("error"))),
        ("-status:success", Not(Term("status", Exact("success")))),
        ("NOT orders", Not(Word("orders"))),
        ('component:"SQL transformation"', Term("component", Exact("SQL transformation"))),
        ("duration:>120", Term("duration", Compared(">", "120"))),
        ("duration:>= 2m", Term("duration", Compared(">=", "2m"))),
        ("created:[2026-11-01 TO *]", Term("created", Between("2026-11-01", "*"))),
        ("created:{-7d TO now]", Term("created", Between("-7d", "now", with_low=False))),
        ("created:2026-11-01T08:00", Term("created", Exact("2026-11-01T08:00"))),
        ("daily sales", All((Word("daily"), Word("sales")))),
        ("daily AND sales", All((Word("daily"), Word("sales")))),
        ("a b OR c", Any((All((Word("a"), Word("b"))), Word("c")))),
        ("a (b OR c)", All((Word("a"), Any((Word("b"), Word("c")))))),
        ("-(a OR b)", Not(Any((Word("a"), Word("b"))))),
        ("((a))", Word("a")),
        ("12:30 well-known TO", All((Word("12:30"), Word("well-known"), Word("TO")))),
        (r'"say \"no\""', Word('say "no"')),
    ],
)
def test_a_query_is_understood(text: str, query: Query) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("status:", "“status:” needs a value right behind the colon.", 7),
        ("status: error", "“status:” needs a value right behind the colon.", 7),
        ("a OR", "After “OR” something is missing.", 4),
        ("OR a", "OR needs something to look for on both sides.", 1),
        ("a OR OR b", "OR needs something to look for on both sides.", 6),
        ("(a b", "A parenthesis is not closed.", 4),
        ("a)", "This parenthesis closes nothing.", 2),
        ("()", "Here something is missing before “)”.", 2),
        ('say "no', "This quotation mark has no partner.", 5),
        ("a - b", "“-” has to stand right before what shall not match.", 3),
        ("created:[a b]", "A range is written [from TO to], with * for an open end.", 12),
        ("created:[a TO", "A range is written [from TO to], with * for an open end.", 12),
        ("duration:>", "After “duration:>” something is missing.", 10),
        ("x" * (LONGEST + 1), f"This query is longer than {LONGEST} characters.", LONGEST + 1),
        ("a\x00b", "This character cannot be searched for.", 2),
        ("-" * (DEEPEST + 1) + "a", "This query is nested too deeply.", 1),
    ],
)
def test_what_is_no_query_is_told_with_its_place(text: str, message: str, column: int) -> None:
    with pytest.raises(BadQuery) as refusal:
        parse(text)

    assert (refusal.value.message, refusal.value.place.column) == (message, column)


@given(QUERIES)
@example(Not(Not(Word("-"))))
@example(Term("a", Exact("")))
@example(Word("OR"))
def test_what_is_written_is_understood_as_what_it_was(query: Query) -> None:
    text = str(query)

    if len(text) <= LONGEST:
        assert parse(text) == query


@given(TEXTS)
@example("(" * 400)
@example("-" * 400)
@example("created:9999-12-31 OR created:+999999w")
@example("id:" + "9" * 400)
def test_any_text_is_understood_or_refused_with_a_place_in_it(text: str) -> None:
    try:
        query = parse(text)
        meanings.check(query, CLOCK)
    except BadQuery as refusal:
        assert refusal.message.endswith((".", "?"))
        assert 1 <= refusal.place.column <= len(text) + 1
    else:
        assert parse(str(query)) == query


@given(TEXTS, st.integers(0, 80))
def test_any_text_can_be_completed(text: str, caret: int) -> None:
    typed = suggesting.typed_at(text, caret)

    for suggestion in suggesting.of_fields(typed) + suggesting.of_words(typed) if typed else []:
        assert 0 <= suggestion.caret <= len(suggestion.text)


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("stat|", "status:|"),
        ("-stat|", "-status:|"),
        ("orders (stat|", "orders (status:|"),
        ("status:err|", "status:error |"),
        ("status:|", "status:waiting |"),
        ("status:err| by:me", "status:error |by:me"),
        ("a NOT cause:sch|", "a NOT cause:schedule |"),
        ("created:y|", "created:yesterday |"),
    ],
)
def test_what_is_typed_is_completed_at_the_caret(text: str, completed: str) -> None:
    typed = suggesting.typed_at(text.replace("|", ""), text.index("|"))

    assert typed is not None
    first = (suggesting.of_fields(typed) or suggesting.of_words(typed))[0]
    assert f"{first.text[: first.caret]}|{first.text[first.caret :]}" == completed


def test_the_parser_is_loaded_by_the_first_query_only() -> None:
    code = (
        "import sys; from jobs.search import parsing; parsing.parse('  '); before = 'lark' in sys.modules;"
        "parsing.parse('a'); print(before, 'lark' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "True"]
