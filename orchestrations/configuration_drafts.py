"""A configuration as a person is about to save it: what was typed, what is wrong with it, and the document it makes.

Typed as fields of a form or as JSON; both stand on the same stored document, which they change and never lose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from orchestrations import documents
from orchestrations.components import parameters
from orchestrations.components.catalogue import Component
from orchestrations.components.sentences import path_text
from orchestrations.documents import InvalidConfiguration, secrets_scope
from orchestrations.forms import building, mapping, moving, reading
from orchestrations.forms.fields import ABSENT, Field
from orchestrations.forms.schemas import json_text
from orchestrations.lib import json_api, secrets

Posted = Mapping[str, list[str]]
PARAMETERS = "parameters"


@dataclass
class Draft:
    """``base``: the stored document it stands on. ``tree`` is None when it is typed as JSON (``text``)."""

    component: Component
    project_id: int
    base: dict[str, Any]
    name: str = ""
    description: str = ""
    change_description: str = ""
    tree: Field | None = None
    mapping: Field | None = None
    """The tables in and out; None when the component takes and gives none, and when it is typed as JSON."""
    text: str = ""
    name_error: str = ""
    description_error: str = ""
    text_error: str = ""
    problems: list[str] = field(default_factory=list)
    """What is wrong and belongs to no field, as sentences."""

    @property
    def is_json(self) -> bool:
        return self.tree is None

    @property
    def trees(self) -> list[Field]:
        return [tree for tree in (self.tree, self.mapping) if tree is not None]

    @property
    def has_errors(self) -> bool:
        at_fields = any(map(reading.has_errors, self.trees))
        return at_fields or bool(self.name_error or self.description_error or self.text_error or self.problems)


def of_document(component: Component, project_id: int, base: dict[str, Any], *, as_json: bool = False) -> Draft:
    draft = Draft(component=component, project_id=project_id, base=base)
    if as_json:
        draft.text = masked_text(base)
    else:
        draft.tree = tree_of(component, base)
        draft.mapping = mapping_of(component, base)
    return draft


def of_post(
    component: Component, project_id: int, base: dict[str, Any], posted: Posted, *, as_json: bool = False
) -> Draft:
    draft = Draft(component=component, project_id=project_id, base=base)
    draft.name, draft.description, draft.change_description = (
        (posted.get(name) or [""])[-1].replace("\r\n", "\n") for name in ("name", "description", "change")
    )
    if as_json:
        draft.text = (posted.get("document") or [""])[-1].replace("\r\n", "\n")
    else:
        draft.tree = tree_of(component, base, posted)
        draft.mapping = mapping_of(component, base, posted)
    return draft


def tree_of(component: Component, base: Mapping[str, Any], posted: Posted | None = None) -> Field:
    """The fields of its parameters."""
    stored = base.get(PARAMETERS, ABSENT)
    stored = {} if stored == [] else stored  # an empty object from clients written in PHP
    schema, default, path = component.schema, component.defaults, (PARAMETERS,)
    if posted is None:
        return building.of_document(schema, stored, default=default, path=path)
    return building.of_post(schema, stored, posted, default=default, path=path)


def mapping_of(component: Component, base: Mapping[str, Any], posted: Posted | None = None) -> Field | None:
    """The fields of its tables in and out; a side that the component does not declare is shown while it has tables."""
    schema = _mapping_schema(component, base)
    return mapping.tree_of(schema, base.get(mapping.STORAGE, ABSENT), posted) if schema["properties"] else None


def act(draft: Draft, action: str) -> None:
    """A button of a list."""
    if draft.mapping is not None and mapping.is_about(action):
        moving.act(draft.mapping, action, _mapping_schema(draft.component, draft.base))
    elif draft.tree is not None:
        moving.act(draft.tree, action, draft.component.schema)


def document_of(draft: Draft, *, may_be_empty: bool = True) -> dict[str, Any]:
    """The document to save; what is wrong is written into the draft, see ``has_errors``."""
    _check_names(draft)
    document = _typed_document(draft) if draft.tree is None else _filled_document(draft, draft.tree)
    if not may_be_empty:
        document.setdefault(PARAMETERS, {})
    is_read = not draft.text_error and not any(map(reading.has_errors, draft.trees))
    if is_read and document:
        _check_document(draft, document)
    return document


def without_document(draft: Draft) -> dict[str, Any]:
    """To be filled in later: only the names are checked."""
    _check_names(draft)
    return {}


def focus_on_error(draft: Draft) -> None:
    """The first field that was refused gets the focus; its name and description come before the fields."""
    at_names = draft.name_error or draft.description_error
    fields = [each for tree in draft.trees for each in tree.walk()]
    found = None if at_names else next((each for each in fields if each.error), None)
    if found is not None:
        for each in fields:
            each.has_focus = each is found


def refuse(draft: Draft, error: InvalidConfiguration) -> None:
    """What the verb had to say."""
    draft.problems.append(str(error))


def prepare(draft: Draft) -> None:
    """Before it is drawn (again): what was typed into secret fields waits in the page as ciphertext."""

    def encrypt(value: Any) -> str:
        held = secrets.encrypt_document({"#": value}, secrets_scope(draft.project_id), settings.ENCRYPTION_KEYS)
        return str(held["#"])

    if draft.tree is not None:
        reading.hold_secrets(draft.tree, encrypt)
        building.offer_blanks(draft.tree, draft.component.schema)


def masked_text(document: Mapping[str, Any]) -> str:
    """For reading and for editing as JSON: no secret is in it."""
    return json_text(secrets.mask_document(document), indent=2)


# --- Private -----------------------------------------------------------------------------------


def _check_names(draft: Draft) -> None:
    try:
        documents.name_of(draft.name)
    except InvalidConfiguration:
        draft.name_error = "Give it a name." if not draft.name.strip() else "At most 255 characters."
    try:
        documents.description_of(draft.description)
    except InvalidConfiguration:
        draft.description_error = "At most 100,000 characters."


def _typed_document(draft: Draft) -> dict[str, Any]:
    try:
        typed = json_api.parse_object(draft.text)
        return dict(secrets.merge_masked(typed, draft.base))
    except (json_api.InvalidJson, secrets.SecretUnreadable) as error:
        draft.text_error = str(error)
        return {}


def _filled_document(draft: Draft, tree: Field) -> dict[str, Any]:
    for each in draft.trees:
        reading.drop_blanks(each)
    read = {PARAMETERS: reading.read(tree)}
    if draft.mapping is not None:
        read[mapping.STORAGE] = reading.read(draft.mapping)
    return draft.base | {name: value for name, value in read.items() if value is not ABSENT}


def _mapping_schema(component: Component, base: Mapping[str, Any]) -> Mapping[str, Any]:
    storage = base.get(mapping.STORAGE)
    return mapping.schema_of(
        component.takes_input_tables or mapping.has_tables(storage, mapping.INPUT),
        component.gives_output_tables or mapping.has_tables(storage, mapping.OUTPUT),
    )


def _check_document(draft: Draft, document: dict[str, Any]) -> None:
    try:
        found = parameters.problems(draft.component, document)
    except parameters.InvalidParameters as error:
        found = []
        draft.problems.append(f"{error}.")
    found += mapping.problems(document.get(mapping.STORAGE))
    if draft.tree is not None:
        left = reading.place_errors(draft.tree, [each for each in found if each[0][:1] != (mapping.STORAGE,)])
        of_tables = [each for each in found if each[0][:1] == (mapping.STORAGE,)]
        draft.problems += left + (reading.place_errors(draft.mapping, of_tables) if draft.mapping else [])
    elif found:
        draft.text_error = " ".join(f"{path_text(path)}: {text}." for path, text in found[:5])
