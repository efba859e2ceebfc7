"""One field of a form, with the fields inside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from orchestrations.forms.schemas import Kind

Path = tuple[str | int, ...]


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Any = _Absent()
"""Nothing is there; null is something."""

ROOT_NAME = "p"
ITEMS, BOX, HELD, CLEAR, KEY = ":items", ":box", ":held", ":clear", ":key"
"""Ends of names of what goes along with a field: which items there are, that a box was shown, a secret not saved yet,
that a stored one shall go, the name of a row."""


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    is_chosen: bool = False


@dataclass
class Field:
    """``path`` is its place in the document, ``name`` its input's, ``stored`` what was there when it was drawn."""

    kind: Kind
    name: str
    path: Path
    schema: Mapping[str, Any]
    label: str
    stored: Any = ABSENT
    hint: str = ""
    placeholder: str = ""
    is_required: bool = False
    text: str = ""
    chosen: list[str] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    """Of an object its properties, of a list its items, of a map its rows."""
    more: Field | None = None
    """Of an object: the map of names beside its properties."""
    key: str = ""
    """Of a row of a map: its name as it was typed."""
    was: int | None = None
    """Of an item: its place in the stored list or map; None when it is new."""
    held: str = ""
    """Of a secret: the ciphertext of what was typed and is not saved yet."""
    is_cleared: bool = False
    must_be_given: bool = False
    """A name was changed so that it is no secret any more; what was secret is not shown, so it must be typed again."""
    unknown: int = 0
    """Of an object: how many stored names no field shows."""
    error: str = ""
    has_focus: bool = False

    @property
    def id(self) -> str:
        """Of its input; labels, hints and errors hang on it."""
        return self.name

    @property
    def is_set(self) -> bool:
        """Of a secret: whether something is kept that is not shown."""
        return bool(self.held) or not (self.stored is ABSENT or self.stored is None or self.stored in ("", [], {}))

    @property
    def described_by(self) -> str:
        ends = ["hint"] * bool(self.hint) + ["state"] * (self.kind == "secret" and self.is_set)
        return " ".join(f"{self.id}-{end}" for end in [*ends, *["error"] * bool(self.error)])

    @property
    def is_checked(self) -> bool:
        return self.text == "true"

    @property
    def items_text(self) -> str:
        """Which items there are, and where each stood: "0,1,,2"."""
        return ",".join("" if item.was is None else str(item.was) for item in self.fields) if self.fields else "none"

    @property
    def item_word(self) -> str:
        """What the button adds, by the title of what is inside: "word"."""
        inside = self.schema.get("items" if self.kind == "list" else "additionalProperties")
        title = inside.get("title") if isinstance(inside, Mapping) else None
        return title.lower() if isinstance(title, str) and title else "entry"

    @property
    def part(self) -> dict[str | int, Field]:
        """Of an object: its properties by their keys, for a template that draws them in an order of its own."""
        return {each.path[-1]: each for each in self.fields}

    @property
    def is_unfolded(self) -> bool:
        """Of an object: whether a field of it that is folded away (``"folded"``) holds something, or is at fault."""
        return any(each.text or each.error or each.has_focus for each in self.fields if each.schema.get("folded"))

    @property
    def rows(self) -> int:
        """How high a box of several lines is drawn."""
        least = 14 if self.kind == "code" and self.name.count("/") == 1 else 3
        least = 2 if self.kind == "lines" else least
        return min(max(least, self.text.count("\n") + 2), 40)

    @property
    def is_group(self) -> bool:
        """Several inputs under one legend."""
        return self.kind in ("object", "list", "map", "choices")

    @property
    def is_empty(self) -> bool:
        """Nothing is stored: what the component does then is its own matter, or its default."""
        return self.stored is ABSENT or self.stored is None or self.stored in ("", [], {})

    def inside(self) -> list[Field]:
        return [*self.fields, *([self.more] if self.more is not None else [])]

    def walk(self) -> Iterator[Field]:
        yield self
        for each in self.inside():
            yield from each.walk()


def child_name(name: str, part: str | int) -> str:
    """Signs that part a name are written otherwise inside of one."""
    return f"{name}/{quote(str(part), safe='')}"


def item_label(tree: Field, place: int, key: str) -> str:
    """ "Command 2", "Table 2" when each is an object with a title, "Value of REGION"."""
    if tree.kind == "list":
        items = tree.schema.get("items")
        is_object = isinstance(items, Mapping) and "properties" in items
        return f"{tree.item_word.capitalize() if is_object else tree.label} {place + 1}"
    return f"Value of {key}" if key else f"Value {place + 1}"


def find(tree: Field, name: str) -> Field | None:
    return next((each for each in tree.walk() if each.name == name), None)


def rename(tree: Field, name: str, path: Path) -> None:
    """Give a field that has been moved its new place, and so to all inside it."""
    old_name, old_path = tree.name, tree.path
    for each in tree.walk():
        each.name = name + each.name[len(old_name) :]
        each.path = path + each.path[len(old_path) :]


def renumber(tree: Field) -> None:
    """After items were added, removed or moved."""
    for place, item in enumerate(tree.fields):
        last = item.key if tree.kind == "map" else place
        rename(item, child_name(tree.name, place), (*tree.path, last))
        item.label = item_label(tree, place, item.key)
        for inner in item.walk():
            if inner.kind in ("list", "map"):
                renumber(inner)
