"""Metadata of configurations by the API: listed, set, removed, and searched (API.md, "Storage")."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from orchestrations import annotating
from orchestrations.api import presenting
from orchestrations.api.configurations import find_configuration
from orchestrations.api.errors import STORAGE, Invalid, NotFound
from orchestrations.api.fields import Fields
from orchestrations.api.operations import LIMIT_AND_OFFSET, operation
from orchestrations.api.schemas import FOUND_CONFIGURATION, METADATA, NEW_METADATA
from orchestrations.api.tokens import DEFAULT, check_branch
from orchestrations.api.wire import Answer, Call, endpoint, has_no_nul, number_of
from orchestrations.lib.openapi import TEXT, list_of
from orchestrations.models import Configuration, ConfigurationMetadata


@operation("List the metadata of a configuration", {200: list_of(METADATA)})
def _list(call: Call, component_id: str, configuration_id: str, branch_id: str = DEFAULT) -> Any:
    return _shown(find_configuration(call, component_id, configuration_id, branch_id))


@operation("Set metadata of a configuration", {201: list_of(METADATA)}, body=NEW_METADATA)
def _put(call: Call, component_id: str, configuration_id: str, branch_id: str = DEFAULT) -> Any:
    row = find_configuration(call, component_id, configuration_id, branch_id)
    annotating.put(row, _entries(call.body), actor=call.actor, now=call.now)
    return Answer(_shown(row), 201)


@operation("Remove metadata of a configuration", {204: None})
def _remove(call: Call, component_id: str, configuration_id: str, metadata_id: str, branch_id: str = DEFAULT) -> Any:
    row = find_configuration(call, component_id, configuration_id, branch_id)
    found = _of(row).select_related("configuration__project").filter(pk=number_of(metadata_id)).first()
    if found is None:
        raise NotFound(f"The configuration {configuration_id!r} has no metadata {metadata_id!r}.")
    annotating.remove(found, actor=call.actor)
    return Answer(None)


@operation(
    "Find configurations by their metadata",
    {200: list_of(FOUND_CONFIGURATION)},
    query={
        **LIMIT_AND_OFFSET,
        "idComponent": TEXT,
        "componentId": TEXT,
        "configurationId": TEXT,
        "metadataKeys": list_of(TEXT),
        "include": TEXT,
    },
)
def _search(call: Call, branch_id: str = DEFAULT) -> Any:
    """Clients name the component either way."""
    check_branch(call, branch_id)
    query = call.query
    keys = query.texts("metadataKeys")
    texts = (query.text("idComponent") or query.text("componentId"), query.text("configurationId"))
    if not all(has_no_nul(text) for text in (*texts, *keys)):
        return []
    found = annotating.search(
        call.project, actor=call.actor, component_id=texts[0], key=texts[1], metadata_keys=frozenset(keys)
    )
    offset, limit = query.whole("offset", 0), query.whole("limit", 1000, least=1, most=1000)
    is_full = any("filteredMetadata" in text.split(",") for text in query.texts("include"))
    return [_found(row, is_full) for row in found[offset : offset + limit]]


# --- Private -----------------------------------------------------------------------------------


def _of(row: Configuration) -> QuerySet[ConfigurationMetadata]:
    found: QuerySet[ConfigurationMetadata] = ConfigurationMetadata.objects.filter(configuration=row)
    return found


def _shown(row: Configuration) -> list[dict[str, Any]]:
    return [presenting.metadata(each) for each in _of(row).order_by("pk")]


def _found(row: Any, is_full: bool) -> dict[str, Any]:
    entries = {"metadata": [presenting.metadata(each) for each in row.entries]} if is_full else {}
    return {"idComponent": row.component_id, "configurationId": row.key, **entries}


def _entries(body: Fields) -> dict[str, str]:
    """Of ``{metadata: [{key, value}]}``. Raises Invalid."""
    given = body.values.get("metadata")
    if not isinstance(given, list) or not given:
        raise Invalid("metadata", "expected a list of objects with key and value.")
    entries: dict[str, str] = {}
    for place, each in enumerate(given):
        if not isinstance(each, dict):
            raise Invalid(f"metadata[{place}]", "expected an object with key and value.")
        names = f"metadata[{place}].key", f"metadata[{place}].value"
        fields = Fields({names[0]: each.get("key"), names[1]: each.get("value")})
        key = fields.text(names[0], most=annotating.KEY_LIMIT)
        entries[key] = fields.text(names[1], most=annotating.VALUE_LIMIT)
    return entries


of_configuration = endpoint(STORAGE, get=_list, post=_put)
entry = endpoint(STORAGE, delete=_remove)
search = endpoint(STORAGE, get=_search)
