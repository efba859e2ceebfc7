"""``GET components`` and ``GET components/{c}``."""

from __future__ import annotations

from typing import Any

from orchestrations import access
from orchestrations.api import presenting
from orchestrations.api.errors import STORAGE, NotFound
from orchestrations.api.operations import operation
from orchestrations.api.schemas import COMPONENT, COMPONENT_WITH_CONFIGURATIONS
from orchestrations.api.tokens import DEFAULT, check_branch
from orchestrations.api.wire import Call, endpoint, has_no_nul
from orchestrations.components import catalogue
from orchestrations.components.catalogue import Component, ComponentKind
from orchestrations.lib.openapi import FLAG, TEXT, list_of, one_of
from orchestrations.models import Configuration


@operation(
    "List the components that have configurations",
    {200: list_of(COMPONENT_WITH_CONFIGURATIONS)},
    query={"componentType": one_of(ComponentKind), "include": TEXT, "isDeleted": FLAG},
)
def _list(call: Call, branch_id: str = DEFAULT) -> Any:
    """The components that have configurations in the project, each with them."""
    check_branch(call, branch_id)
    kind = call.query.choice("componentType", "", ["", *ComponentKind])
    parts = {part.strip() for text in call.query.texts("include") for part in text.split(",")}
    rows = Configuration.objects.in_project(call.project).order_by("name", "pk")
    rows = rows.filter(deleted_at__isnull=not call.query.flag("isDeleted"))
    visible = access.visible_components(call.actor)
    if visible is not None:
        rows = rows.filter(component_id__in=visible)
    by_component: dict[str, list[Configuration]] = {}
    for row in presenting.with_versions(rows if "configuration" in parts else rows.defer("document")):
        by_component.setdefault(row.component_id, []).append(row)
    return [
        {
            **presenting.component(each),
            "configurations": [presenting.configuration(row, parts) for row in by_component[each.id]],
        }
        for each in catalogue.all()
        if each.id in by_component and kind in ("", each.kind)
    ]


@operation("Show a component", {200: COMPONENT})
def _show(call: Call, component_id: str, branch_id: str = DEFAULT) -> Any:
    check_branch(call, branch_id)
    return presenting.component(find_component(call, component_id))


def find_component(call: Call, component_id: str) -> Component:
    """Raises UnknownComponent, and NotFound for one that the token may not look at."""
    if not has_no_nul(component_id):
        raise NotFound("There is no such component.")
    component = catalogue.get(component_id)
    visible = access.visible_components(call.actor)
    if visible is not None and component.id not in visible:
        raise NotFound(f'There is no component "{component_id}" that this token has access to.')
    return component


components = endpoint(STORAGE, get=_list)
component = endpoint(STORAGE, get=_show)
