"""JSON from outside: parsed with errors a person can act on, and never with a value that a database would refuse."""

import json
import math
import re
from typing import Any

DEPTH_LIMIT = 64
SIZE_LIMIT_BYTES = 10_000_000
_SURROGATE = re.compile("[\ud800-\udfff]")
_Field = tuple[Any, str | int] | None


class InvalidJson(ValueError):
    """Text that is not JSON as we take it; the message is a sentence with line and column where they are known."""


def parse(body: bytes | str, *, limit_bytes: int = SIZE_LIMIT_BYTES, depth_limit: int = DEPTH_LIMIT) -> Any:
    """The value that `body` (UTF-8) holds. Raises InvalidJson."""
    text = _text(body, limit_bytes)
    if not text.strip():
        raise InvalidJson("The JSON text is empty.")
    try:
        value = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer, object_pairs_hook=_no_twins
        )
    except json.JSONDecodeError as error:
        what = error.msg[:1].lower() + error.msg[1:]
        raise InvalidJson(f"Invalid JSON in line {error.lineno}, column {error.colno}: {what}.") from error
    except RecursionError:
        raise InvalidJson(f"The JSON is nested more than {depth_limit} levels deep.") from None
    check(value, depth_limit=depth_limit)
    return value


def parse_object(body: bytes | str, *, limit_bytes: int = SIZE_LIMIT_BYTES) -> dict[str, Any]:
    """The same, where only an object makes sense."""
    value = parse(body, limit_bytes=limit_bytes)
    if not isinstance(value, dict):
        raise InvalidJson("A JSON object is expected: { … }.")
    return value


def check(value: Any, *, depth_limit: int = DEPTH_LIMIT) -> None:
    """Raises InvalidJson, naming the field, for a value that is not JSON or that not every database can hold."""
    # Without recursion, since depth is what we are here to limit; a field is (field around it, its name in there).
    waiting: list[tuple[_Field, int, Any]] = [(None, 1, value)]
    while waiting:
        field, depth, member = waiting.pop()
        problem = _problem(member)
        if problem:
            raise InvalidJson(f"{_field_text(field)}: {problem}." if field else f"{problem[0].upper()}{problem[1:]}.")
        if isinstance(member, dict | list):
            if depth > depth_limit:
                raise InvalidJson(f"The JSON is nested more than {depth_limit} levels deep.")
            below = member.items() if isinstance(member, dict) else enumerate(member)
            waiting.extend(((field, name), depth + 1, each) for name, each in below)


def _field_text(field: _Field) -> str:
    text = ""
    while field is not None:
        field, name = field
        text = f"[{name}]{text}" if isinstance(name, int) else f".{name}{text}"
    return text.removeprefix(".")


def _problem(member: Any) -> str:
    if isinstance(member, dict):
        return next(filter(None, map(_name_problem, member)), "")
    if member is None or isinstance(member, list | int):
        return ""
    if isinstance(member, str):
        return _text_problem(member)
    if isinstance(member, float):
        return "" if math.isfinite(member) else "NaN and Infinity are not numbers of JSON"
    return "a value is not JSON"


def _name_problem(name: Any) -> str:
    return _text_problem(name) if isinstance(name, str) else "a name is not a text"


def _text_problem(text: str) -> str:
    # PostgreSQL's jsonb refuses both; SQLite would take them, and the move to PostgreSQL would fail much later.
    if "\0" in text:
        return "the NUL character is not allowed"
    return "a half of a surrogate pair is not a character" if _SURROGATE.search(text) else ""


def _text(body: bytes | str, limit_bytes: int) -> str:
    size = len(body) if isinstance(body, bytes) else len(body.encode("utf-8", "surrogatepass"))
    if size > limit_bytes:
        raise InvalidJson(f"The JSON is {size} bytes long; the limit is {limit_bytes} bytes.")
    if isinstance(body, str):
        return body.removeprefix("\ufeff")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise InvalidJson(f"Invalid JSON in line {line}: the text is not UTF-8.") from error


def _refuse_constant(name: str) -> float:
    raise InvalidJson(f"{name} is not a number of JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidJson(f"The number {text[:40]} is too large.")
    return number


def _integer(text: str) -> int:
    # Longer ones are slow to read, and no client of ours can hold them.
    if len(text) > 1000:
        raise InvalidJson(f"The number {text[:20]}… is too large: it has {len(text)} digits.")
    return int(text)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        seen: set[str] = set()
        twin = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InvalidJson(f'The field "{twin[:100]}" appears twice in one object.')
    return document
