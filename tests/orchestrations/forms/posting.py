"""What a browser sends of a form that was drawn and left alone."""

from __future__ import annotations

from orchestrations.forms.fields import BOX, ITEMS, KEY, Field
from orchestrations.forms.schemas import Kind

Posted = dict[str, list[str]]


def post_of(tree: Field) -> Posted:
    """Boxes of one line lose line breaks, those of several lines get them from the browser."""
    posted: Posted = {}
    for field in tree.walk():
        posted |= _inputs(field)
    return posted


def _inputs(field: Field) -> Posted:
    key = {} if field.key == "" and field.was is None else {field.name + KEY: [field.key]}
    if field.kind is Kind.OBJECT:
        return key
    if field.kind in (Kind.LIST, Kind.MAP):
        return {**key, field.name + ITEMS: [field.items_text]}
    if field.kind is Kind.CHOICES:
        return {**key, field.name: list(field.chosen), field.name + BOX: ["1"]}
    if field.kind is Kind.CHECKBOX:
        return {**key, field.name + BOX: ["1"], **({field.name: ["true"]} if field.is_checked else {})}
    if field.kind in (Kind.LONG, Kind.CODE, Kind.JSON, Kind.LINES):
        return {**key, field.name: [field.text.replace("\n", "\r\n")]}
    return {**key, field.name: [field.text.replace("\n", "")]}
