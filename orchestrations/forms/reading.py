"""What a tree of fields says, as a value of the document."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from orchestrations.forms.building import shown_text
from orchestrations.forms.fields import ABSENT, Field, renumber
from orchestrations.forms.schemas import Kind, is_nullable, json_text, options_of, plain_type
from orchestrations.lib import json_api, secrets

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
LONGEST_NUMBER = 400
PREDICATES = ("is ", "must ", "needs ", "does ", "has ", "fits ")
"""How sentences begin that have the field as their subject."""


class Unreadable(ValueError):
    """A box holds what its field cannot be; the sentence is for the person."""


def read(tree: Field) -> Any:
    """The value; what cannot be read is said at its field (``error``) and left out. ABSENT when there is nothing."""
    try:
        return _READERS[tree.kind](tree)
    except Unreadable as error:
        tree.error = str(error)
        return ABSENT


def drop_blanks(tree: Field) -> None:
    """Take out the items that were added and never filled in."""
    for each in tree.walk():
        if each.kind in (Kind.LIST, Kind.MAP):
            each.fields = [item for item in each.fields if not _is_blank(item)]
            renumber(each)


def hold_secrets(tree: Field, encrypt: Callable[[Any], str]) -> None:
    """Turn typed secrets into ciphertexts that can wait in the page, so that a refused form loses none of them."""
    for each in tree.walk():
        if each.kind is Kind.SECRET and each.text and not each.error:
            value = read(each)
            if value is not ABSENT and not secrets.is_encrypted(value):
                each.held, each.text = encrypt(value), ""


def place_errors(tree: Field, problems: Iterable[tuple[tuple[str | int, ...], str]]) -> list[str]:
    """Write each problem at the field of its path; returns those that belong to none, as sentences."""
    by_path = {each.path: each for each in tree.walk() if each is not tree.more}
    left = []
    for path, message in problems:
        found = by_path.get(path)
        sentence = f"It {message}." if message.startswith(PREDICATES) else f"{message[:1].upper()}{message[1:]}."
        if found is None:
            left.append(f"{'.'.join(map(str, path))}: {message}.")
        elif not found.error:
            found.error = sentence
    return left


def has_errors(tree: Field) -> bool:
    return any(each.error for each in tree.walk())


def _is_blank(item: Field) -> bool:
    """New, and nothing in it."""
    if item.was is not None or item.key or item.kind is Kind.CHECKBOX:
        return False
    return all(each.text == _drawn_text(each) and not (each.held or each.chosen) for each in item.walk())


def _drawn_text(field: Field) -> str:
    """What a new one is drawn with."""
    return "true" if field.kind is Kind.CHECKBOX and field.placeholder == "true" else ""


def _unchanged(field: Field) -> bool:
    return field.text == shown_text(field.kind, field.stored) and not field.must_be_given


def _text(field: Field) -> Any:
    if field.must_be_given and not field.text:
        raise Unreadable("Type the value again: under its old name it was a secret, which is never shown.")
    if _unchanged(field):
        return field.stored
    return field.text or _empty(field)


def _empty(field: Field) -> Any:
    """Of a text that was emptied."""
    if field.is_required:
        return None if is_nullable(field.schema) else ""
    return "" if field.was is not None or field.key else ABSENT


def _number(field: Field) -> Any:
    if _unchanged(field):
        return field.stored
    text = field.text.strip()
    if not text:
        return None if field.is_required and is_nullable(field.schema) else ABSENT
    return number_of(text, whole=field.kind is Kind.INTEGER)


def number_of(text: str, *, whole: bool = False) -> int | float:
    """Raises Unreadable."""
    if not _NUMBER.fullmatch(text) or len(text) > LONGEST_NUMBER:
        raise Unreadable("Expected a whole number." if whole else "Expected a number.")
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise Unreadable("The number is too large.")
    return number


def _lines(field: Field) -> Any:
    """Blank lines are none of the texts."""
    if _unchanged(field):
        return field.stored
    return [line.strip() for line in field.text.split("\n") if line.strip()] or _emptied(field, [], "minItems")


def _checkbox(field: Field) -> Any:
    if field.stored is not ABSENT:
        return field.is_checked
    default = field.placeholder == "true"
    return ABSENT if field.is_checked is default else field.is_checked


def _select(field: Field) -> Any:
    if _unchanged(field):
        return field.stored
    if not field.text:
        return ABSENT
    offered = {json_text(each): each for each in options_of(field.schema)}
    if field.text not in offered:
        raise Unreadable("Choose one of the values that are offered.")
    return offered[field.text]


def _choices(field: Field) -> Any:
    stored = [] if field.stored is ABSENT else field.stored
    if set(field.chosen) == {json_text(each) for each in stored}:
        return field.stored
    return [each for each in options_of(field.schema["items"]) if json_text(each) in field.chosen]


def _json(field: Field) -> Any:
    if field.must_be_given and not field.text:
        raise Unreadable("Type the value again: under its old name it was a secret, which is never shown.")
    if _unchanged(field):
        return field.stored
    if not field.text.strip():
        return ABSENT
    try:
        return secrets.merge_masked(json_api.parse(field.text), None if field.stored is ABSENT else field.stored)
    except (json_api.InvalidJson, secrets.SecretUnreadable) as error:
        raise Unreadable(str(error)) from error


def _secret(field: Field) -> Any:
    if field.text and field.text != secrets.MASK:
        return _typed_secret(field)
    if field.is_cleared:
        return "" if field.is_required or field.was is not None else ABSENT
    if field.held:
        return field.held
    return "" if field.stored is ABSENT and field.key else field.stored


def _typed_secret(field: Field) -> Any:
    declared = plain_type(field.schema)
    if declared in ("number", "integer"):
        return number_of(field.text.strip(), whole=declared == "integer")
    if declared in ("", "string"):
        return field.text
    try:
        return json_api.parse(field.text)
    except json_api.InvalidJson as error:
        raise Unreadable(str(error)) from error


def _list(field: Field) -> Any:
    values = [_concrete(item, read(item)) for item in field.fields]
    return values or _emptied(field, [], "minItems")


def _map(field: Field) -> Any:
    found: dict[str, Any] = {}
    for row in field.fields:
        value = _concrete(row, read(row))
        if not row.key:
            row.error = row.error or "Give it a name, or remove this entry."
        elif row.key in found:
            row.error = f"{row.key} stands here twice."
        else:
            found[row.key] = value
    return found or _emptied(field, {}, "minProperties")


def _concrete(item: Field, value: Any) -> Any:
    """An item that is there has a value."""
    if value is not ABSENT:
        return value
    if item.kind in (Kind.OBJECT, Kind.MAP):
        return {}
    if item.kind in (Kind.LIST, Kind.CHOICES, Kind.LINES):
        return []
    if item.kind in (Kind.NUMBER, Kind.INTEGER, Kind.SELECT, Kind.JSON):
        item.error = item.error or "Give a value, or remove this entry."
    return False if item.kind is Kind.CHECKBOX else ""


def _emptied(field: Field, empty: Any, least: str) -> Any:
    """Of a list or map in which nothing is left."""
    if field.stored is ABSENT:
        return ABSENT
    return ABSENT if not field.is_required and field.schema.get(least) and field.stored else empty


def _object(field: Field) -> Any:
    given = {each.path[-1]: read(each) for each in field.fields}
    stored = {} if field.stored is ABSENT else field.stored
    more = read(field.more) if field.more is not None else ABSENT
    extras = {} if more is ABSENT else more
    if field.more is None:
        extras = {key: value for key, value in stored.items() if key not in given}
    for key in set(extras) & set(given):
        extras.pop(key)
    is_there = field.stored is not ABSENT or field.was is not None
    if not is_there and not extras and all(value is ABSENT for value in given.values()):
        return ABSENT
    for each in field.fields:
        if each.is_required and given[each.path[-1]] is ABSENT:
            given[each.path[-1]] = _least(each)
    found = {**{str(key): value for key, value in given.items() if value is not ABSENT}, **extras}
    order = {key: place for place, key in enumerate(stored)}
    return dict(sorted(found.items(), key=lambda entry: order.get(entry[0], len(order))))


def _least(field: Field) -> Any:
    """What a field that must be there holds when nothing was typed; ABSENT when only the person can say."""
    if field.kind is Kind.CHECKBOX:
        return field.is_checked
    if field.kind in (Kind.LIST, Kind.CHOICES, Kind.LINES):
        return ABSENT if field.schema.get("minItems") else []
    if field.kind is Kind.MAP:
        return ABSENT if field.schema.get("minProperties") else {}
    if field.kind is not Kind.OBJECT:
        return ABSENT
    inside = {str(each.path[-1]): _least(each) for each in field.fields if each.is_required}
    return {key: value for key, value in inside.items() if value is not ABSENT}


_READERS: dict[Kind, Callable[[Field], Any]] = {
    Kind.TEXT: _text,
    Kind.LONG: _text,
    Kind.CODE: _text,
    Kind.LINES: _lines,
    Kind.NUMBER: _number,
    Kind.INTEGER: _number,
    Kind.CHECKBOX: _checkbox,
    Kind.SELECT: _select,
    Kind.CHOICES: _choices,
    Kind.LIST: _list,
    Kind.MAP: _map,
    Kind.OBJECT: _object,
    Kind.SECRET: _secret,
    Kind.JSON: _json,
}
