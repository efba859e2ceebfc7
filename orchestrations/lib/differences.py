"""What differs between two JSON documents, value by value and line by line. Pure; secrets are never shown.

A value under a `#` key is MASK on both sides; where it is another one, the newer side says CHANGED instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from orchestrations.lib.secrets import MASK

CHANGED = f"{MASK} (changed)"
CONTEXT = 3
MOST_LINES = 400
MOST_WORK = 4_000_000
"""Lines times lines that are matched; what is longer is shown as removed and added as a whole."""
NOTHING: Any = object()
"""The side of a value that is not there."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """``mark``: "-" only before, "+" only after, " " in both, "…" lines left out."""

    mark: str
    text: str


@dataclass(frozen=True)
class Difference:
    """One value that differs, both sides masked; ``path`` is "" for the document itself."""

    path: str
    old: Any
    new: Any


def find(old: Any, new: Any) -> list[Difference]:
    """In the order of the newer document, what is gone at the end. Numbers and flags of equal worth differ: 1, true."""
    old_masked, new_masked = mask_both(old, new)
    return list(_found(old_masked, new_masked, ""))


def mask_both(old: Any, new: Any) -> tuple[Any, Any]:
    """Both documents without their secrets, and still different where the secrets are."""
    known = {(path[-1], _text(value)) for path, value in _secrets(old, ())}
    at = dict(_secrets(old, ()))

    def is_same(path: Path, value: Any) -> bool:
        return is_same_here(path, value) or (path[-1], _text(value)) in known

    def is_same_here(path: Path, value: Any) -> bool:
        # Where none was set before, a new one shows by itself; a mask from a form stands for what is stored.
        return _is_nothing(at.get(path)) or value == MASK or _text(at[path]) == _text(value)

    old_masked = _masked(old, (), lambda path, value: True)
    new_masked = _masked(new, (), is_same)
    if _text(old_masked) == _text(new_masked):
        # Items of a list may have exchanged their secrets.
        new_masked = _masked(new, (), is_same_here)
    return old_masked, new_masked


def lines(old: Any, new: Any) -> tuple[Line, ...]:
    """Of two values without secrets: a text by its lines, anything else as indented JSON."""
    if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        return text_lines(old, new)
    return _cut(_lines(old), _lines(new))


def text_lines(old: str, new: str) -> tuple[Line, ...]:
    return _cut(old.split("\n") if old else [], new.split("\n") if new else [])


def _cut(before: list[str], after: list[str]) -> tuple[Line, ...]:
    found = tuple(_compared(before, after))
    if len(found) <= MOST_LINES:
        return found
    return (*found[:MOST_LINES], Line("…", f"{len(found) - MOST_LINES} more lines"))


def is_short(value: Any) -> bool:
    """Whether it can stand in a sentence."""
    if value is NOTHING:
        return True
    return not isinstance(value, dict | list) and len(text_of(value)) <= 60 and "\n" not in str(value)


def text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- Private -----------------------------------------------------------------------------------


def _found(old: Any, new: Any, path: str) -> Iterator[Difference]:
    if _text(old) == _text(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*new, *(key for key in old if key not in new)]:
            yield from _found(old.get(key, NOTHING), new.get(key, NOTHING), f"{path}.{key}" if path else key)
    elif _are_rows(old) and _are_rows(new) and len(old) == len(new):
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _found(before, after, f"{path}[{place}]")
    else:
        yield Difference(path, old, new)


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(member, dict) for member in value)


def _secrets(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, member in value.items():
            if key.startswith("#"):
                yield (*path, key), member
            else:
                yield from _secrets(member, (*path, key))
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from _secrets(member, (*path, f"[{place}]"))


def _masked(value: Any, path: Path, is_same: Callable[[Path, Any], bool]) -> Any:
    if isinstance(value, dict):
        return {key: _masked_member(key, member, path, is_same) for key, member in value.items()}
    if isinstance(value, list):
        return [_masked(member, (*path, f"[{place}]"), is_same) for place, member in enumerate(value)]
    return value


def _masked_member(key: str, member: Any, path: Path, is_same: Callable[[Path, Any], bool]) -> Any:
    here = (*path, key)
    if not key.startswith("#"):
        return _masked(member, here, is_same)
    if _is_nothing(member):
        return member  # nothing to hide, and "is it set?" stays visible
    return MASK if is_same(here, member) else CHANGED


def _is_nothing(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _text(value: Any) -> str:
    """Equal texts are equal values; NOTHING equals itself alone."""
    return "" if value is NOTHING else json.dumps(value, sort_keys=True)


def _lines(value: Any) -> list[str]:
    if value is NOTHING:
        return []
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).split("\n")


def _compared(before: list[str], after: list[str]) -> Iterator[Line]:
    if len(before) * len(after) > MOST_WORK:
        yield from (Line("-", text) for text in before)
        yield from (Line("+", text) for text in after)
        return
    groups = list(SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(CONTEXT))
    for number, group in enumerate(groups):
        if number:
            yield Line("…", "")
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                yield from (Line(" ", text) for text in before[old_from:old_to])
                continue
            yield from (Line("-", text) for text in before[old_from:old_to])
            yield from (Line("+", text) for text in after[new_from:new_to])
