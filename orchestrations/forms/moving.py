"""The buttons of lists and maps: add, remove, move. The tree is drawn again afterwards."""

from __future__ import annotations

from orchestrations.forms.building import MOST_POSTED_ITEMS, new_item
from orchestrations.forms.fields import Field, find, renumber
from orchestrations.forms.schemas import Kind, Schema

ACTIONS = ("add", "remove", "up", "down")


def is_action(text: str) -> bool:
    verb, _, name = text.partition(":")
    return verb in ACTIONS and bool(name)


def act(tree: Field, action: str, root: Schema) -> None:
    """Do "add:<name of the list>", "remove:", "up:" or "down:<name of the item>". What names nothing does nothing."""
    verb, _, name = action.partition(":")
    found = find(tree, name)
    if found is None:
        return
    if verb == "add":
        _add(found, root)
        return
    around = next((each for each in tree.walk() if any(item is found for item in each.fields)), None)
    if around is not None and around.kind in (Kind.LIST, Kind.MAP):
        _change(around, found, verb)


def _add(field: Field, root: Schema) -> None:
    if field.kind not in (Kind.LIST, Kind.MAP) or len(field.fields) >= MOST_POSTED_ITEMS:
        return
    item = new_item(field, root)
    _focus(item)
    field.fields.append(item)


def _change(around: Field, item: Field, verb: str) -> None:
    place = next(number for number, each in enumerate(around.fields) if each is item)
    around.fields.pop(place)
    if verb == "remove":
        beside = around.fields[min(place, len(around.fields) - 1)] if around.fields else around
        _focus(beside)
    else:
        around.fields.insert(max(0, place + (-1 if verb == "up" else 1)), item)
        _focus(item)
    renumber(around)


def _focus(field: Field) -> None:
    """Of an object its first input: it has none itself."""
    while field.kind is Kind.OBJECT and field.fields:
        field = field.fields[0]
    field.has_focus = True
