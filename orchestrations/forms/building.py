"""A tree of fields from a schema and what is stored, or from what came back of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrations.forms.fields import (
    ABSENT,
    BOX,
    CLEAR,
    HELD,
    ITEMS,
    KEY,
    ROOT_NAME,
    Field,
    Option,
    Path,
    child_name,
    item_label,
)
from orchestrations.forms.schemas import (
    MOST_ITEMS,
    Kind,
    Schema,
    extras_schema,
    item_schema,
    json_text,
    kind_of,
    options_of,
    plain_type,
    resolved,
    title_of,
)
from orchestrations.lib import secrets

MOST_POSTED_ITEMS = MOST_ITEMS + 50


@dataclass(frozen=True)
class _Origin:
    """What all fields of a tree are made from. ``posted``: None for a tree of what is stored."""

    root: Schema
    posted: Mapping[str, list[str]] | None

    def text(self, name: str) -> str | None:
        values = (self.posted or {}).get(name)
        return values[-1] if values else None


@dataclass(frozen=True)
class _Place:
    name: str
    path: Path
    key: str = ""
    is_required: bool = False
    default: Any = ABSENT
    label: str = ""
    depth: int = 0
    seen: frozenset[str] = frozenset()


def of_document(schema: Schema, stored: Any, *, default: Any = ABSENT, path: Path = (), name: str = ROOT_NAME) -> Field:
    """``path``: where the value stands in the whole document; ``default`` is shown where nothing is stored.

    ``name``: how the names of its inputs begin, for a second tree in the same form.
    """
    return _build(schema, stored, _Place(name, path, label="Parameters", default=default), _Origin(schema, None))


def of_post(
    schema: Schema,
    stored: Any,
    posted: Mapping[str, list[str]],
    *,
    default: Any = ABSENT,
    path: Path = (),
    name: str = ROOT_NAME,
) -> Field:
    """The same with what a person made of it. What was not posted is as it is stored."""
    place = _Place(name, path, label="Parameters", default=default)
    return _build(schema, stored, place, _Origin(schema, posted))


def new_item(tree: Field, root: Schema) -> Field:
    """An empty item for the end of a list or map."""
    number = len(tree.fields)
    return _item(tree, ABSENT, number, None, "", _Place(tree.name, tree.path, depth=_depth(tree)), _Origin(root, None))


def offer_blanks(tree: Field, root: Schema) -> None:
    """Where at least one item is needed and none is left, there is an empty one to fill in."""
    for each in list(tree.walk()):
        if each.kind in (Kind.LIST, Kind.MAP) and not each.fields and _needs_one(each, root):
            each.fields.append(new_item(each, root))


def plain_text(stored: Any) -> str:
    """What is shown of a value in a box of one or several lines."""
    if stored is ABSENT or stored is None:
        return ""
    text = stored if isinstance(stored, str) else json_text(stored)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def shown_text(kind: Kind, stored: Any, default: Any = ABSENT) -> str:
    """What a field of this kind is drawn with."""
    if kind is Kind.SECRET:
        return ""
    if kind is Kind.CHECKBOX:
        return "true" if (default if stored is ABSENT else stored) is True else ""
    if kind is Kind.SELECT:
        return "" if stored is ABSENT else json_text(stored)
    if kind is Kind.JSON:
        return "" if stored is ABSENT else json_text(secrets.mask_document(stored), indent=2)
    if kind is Kind.LINES:
        return "" if stored is ABSENT else "\n".join(stored)
    return plain_text(stored)


def _build(schema: Any, stored: Any, place: _Place, origin: _Origin) -> Field:
    schema, seen = resolved(schema, origin.root, place.seen)
    kind = kind_of(schema, stored, place.key, place.depth)
    default = schema.get("default", ABSENT) if place.default is ABSENT else place.default
    must_be_given = kind is not Kind.SECRET and secrets.is_encrypted(stored)
    field = Field(
        kind=kind,
        name=place.name,
        path=place.path,
        schema=schema,
        label=place.label or title_of(schema, place.key),
        stored=ABSENT if must_be_given else stored,
        hint=schema["description"].strip() if isinstance(schema.get("description"), str) else "",
        placeholder=_placeholder(kind, default),
        is_required=place.is_required,
        must_be_given=must_be_given,
    )
    below = _Place(place.name, place.path, default=default, depth=place.depth + 1, seen=seen)
    if kind is Kind.OBJECT:
        _fill_object(field, below, origin)
    elif kind in (Kind.LIST, Kind.MAP):
        _fill_items(field, below, origin)
    elif kind is Kind.CHOICES:
        _fill_choices(field, origin)
    else:
        _fill_value(field, default, origin)
    return field


def _placeholder(kind: Kind, default: Any) -> str:
    """What holds where nothing is given; a secret's is not shown."""
    return "" if kind is Kind.SECRET else plain_text(default)[:200]


def _fill_value(field: Field, default: Any, origin: _Origin) -> None:
    typed = origin.text(field.name)
    if field.kind is Kind.CHECKBOX and origin.text(field.name + BOX) is not None:
        typed = typed or ""
    shown = shown_text(field.kind, field.stored, default)
    field.text = shown if typed is None else typed.replace("\r\n", "\n").replace("\r", "\n")
    if field.kind is Kind.TEXT and ("\n" in shown or len(shown) > 300):
        field.kind = Kind.LONG  # a box of one line would swallow its line breaks
    if field.kind is Kind.SELECT:
        values = {json_text(each): each for each in options_of(field.schema)}
        for other in filter(None, (shown, field.text)):
            values.setdefault(other, other)
        field.options = [Option(text, _label(each), text == field.text) for text, each in values.items()]
    if field.kind is Kind.SECRET:
        held = origin.text(field.name + HELD) or ""
        field.held = held if secrets.is_encrypted(held) else ""
        field.is_cleared = bool(origin.text(field.name + CLEAR))


def _fill_choices(field: Field, origin: _Origin) -> None:
    field.chosen = [json_text(each) for each in field.stored] if isinstance(field.stored, list) else []
    if origin.text(field.name + BOX) is not None:
        field.chosen = list((origin.posted or {}).get(field.name, []))
    options = {json_text(each): each for each in options_of(field.schema["items"])}
    field.options = [Option(text, _label(each), text in field.chosen) for text, each in options.items()]


def _fill_object(field: Field, below: _Place, origin: _Origin) -> None:
    stored = {} if field.stored is ABSENT else field.stored
    properties = field.schema.get("properties", {})
    required = field.schema.get("required", [])
    defaults = below.default if isinstance(below.default, dict) else {}
    for key, schema in properties.items():
        place = _Place(
            name=child_name(field.name, key),
            path=(*field.path, key),
            key=key,
            is_required=key in required,
            default=defaults.get(key, ABSENT),
            depth=below.depth,
            seen=below.seen,
        )
        field.fields.append(_build(schema, stored.get(key, ABSENT), place, origin))
    others = {key: value for key, value in stored.items() if key not in properties}
    extras = extras_schema(field.schema)
    if extras is None or len(others) > MOST_ITEMS:
        field.unknown = len(others)
        return
    schema = {"type": "object", "additionalProperties": extras, "title": "More fields"}
    name = child_name(field.name, "") + ":more"
    field.more = _build(schema, others or ABSENT, _Place(name, field.path, depth=below.depth, seen=below.seen), origin)


def _fill_items(field: Field, below: _Place, origin: _Origin) -> None:
    stored = list(field.stored.items()) if isinstance(field.stored, dict) else []
    if isinstance(field.stored, list):
        stored = [("", value) for value in field.stored]
    for number, was in enumerate(_places(field, len(stored), origin)):
        key, value = ("", ABSENT) if was is None else stored[was]
        field.fields.append(_item(field, value, number, was, key, below, origin))


def _places(field: Field, known: int, origin: _Origin) -> list[int | None]:
    """Where each item stood: all that are stored, or those that came back; one empty one where some are needed."""
    posted = origin.text(field.name + ITEMS)
    if posted is not None:
        parts = [] if posted == "none" else posted.split(",")[:MOST_POSTED_ITEMS]
        return [int(part) if part.isascii() and part.isdigit() and int(part[:9]) < known else None for part in parts]
    return [None] if not known and _needs_one(field, origin.root) else list(range(known))


def _needs_one(field: Field, root: Schema) -> bool:
    """Whether an empty item is offered. A box to check is never empty, so it would be there unasked."""
    least = field.schema.get("minItems" if field.kind is Kind.LIST else "minProperties")
    inside = item_schema(field.schema, 0) if field.kind is Kind.LIST else extras_schema(field.schema)
    is_box = plain_type(resolved(inside, root)[0]) == "boolean"
    return field.is_required and not is_box and (field.stored is ABSENT or bool(least))


def _item(tree: Field, stored: Any, number: int, was: int | None, key: str, below: _Place, origin: _Origin) -> Field:
    name = child_name(tree.name, number)
    if tree.kind is Kind.MAP:
        typed = origin.text(name + KEY)
        key = key if typed is None else typed.strip()
        schema = extras_schema(tree.schema) or {}
    else:
        schema = item_schema(tree.schema, number)
    label = item_label(tree, number, key)
    last = key if tree.kind is Kind.MAP else number
    place = _Place(
        name, (*tree.path, last), key if tree.kind is Kind.MAP else "", False, ABSENT, label, below.depth, below.seen
    )
    item = _build(schema, stored, place, origin)
    item.key, item.was = key, was
    return item


def _depth(field: Field) -> int:
    return field.name.count("/") + 1


def _label(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)
