"""Configurations of a component: the calls that read and change them."""

from __future__ import annotations

from typing import Any

from orchestrations import editing
from orchestrations.api import presenting
from orchestrations.api.components import find_component
from orchestrations.api.errors import STORAGE, Invalid, NotFound
from orchestrations.api.fields import Fields
from orchestrations.api.operations import LIMIT_AND_OFFSET, operation
from orchestrations.api.schemas import (
    CHANGED_CONFIGURATION,
    CONFIGURATION,
    CONFIGURATION_VERSION,
    COPIED_CONFIGURATION,
    COPIED_VERSION,
    IF_MATCH,
    NEW_CONFIGURATION,
    STATE,
)
from orchestrations.api.tokens import DEFAULT, check_branch
from orchestrations.api.wire import Answer, Call, endpoint, has_no_nul
from orchestrations.editing import KEEP, Content
from orchestrations.lib.openapi import FLAG, TEXT, list_of
from orchestrations.models import Configuration, ConfigurationVersion, Role

SWITCH = {"isDisabled", "changeDescription"}
"""What an operator may change too (DESIGN §8)."""


@operation("List the configurations of a component", {200: list_of(CONFIGURATION)}, query={"isDeleted": FLAG})
def _list(call: Call, component_id: str, branch_id: str = DEFAULT) -> Any:
    check_branch(call, branch_id)
    component = find_component(call, component_id)
    rows = Configuration.objects.in_project(call.project).filter(
        component_id=component.id, deleted_at__isnull=not call.query.flag("isDeleted")
    )
    return [presenting.configuration(row) for row in presenting.with_versions(rows.order_by("name", "pk"))]


@operation("Create a configuration", {201: CONFIGURATION}, body=NEW_CONFIGURATION)
def _create(call: Call, component_id: str, branch_id: str = DEFAULT) -> Any:
    check_branch(call, branch_id)
    component = find_component(call, component_id)
    created = editing.create(
        call.project,
        component.id,
        _content(call.body),
        actor=call.actor,
        now=call.now,
        key=call.body.text("configurationId"),
        change_description=call.body.text("changeDescription"),
    )
    return _shown(created, 201)


@operation("Show a configuration", {200: CONFIGURATION})
def _show(call: Call, component_id: str, configuration_id: str, branch_id: str = DEFAULT) -> Any:
    return _shown(find_configuration(call, component_id, configuration_id, branch_id))


@operation(
    "Change a configuration",
    {200: CONFIGURATION},
    body=CHANGED_CONFIGURATION,
    headers=IF_MATCH,
    description="What is not given stays. Each change is a version.",
)
def _update(call: Call, component_id: str, configuration_id: str, branch_id: str = DEFAULT) -> Any:
    row = find_configuration(call, component_id, configuration_id, branch_id)
    is_switch = "isDisabled" in call.body.values and set(call.body.values) <= SWITCH
    saved = editing.update(
        row,
        _content(call.body),
        actor=call.actor,
        now=call.now,
        expected_version=call.expected_version,
        change_description=call.body.text("changeDescription"),
        least_role=Role.OPERATOR if is_switch else Role.EDITOR,
    )
    return _shown(saved)


@operation("Move a configuration to the trash; the second time delete it for good", {204: None}, headers=IF_MATCH)
def _delete(call: Call, component_id: str, configuration_id: str, branch_id: str = DEFAULT) -> Any:
    """The first time to the trash, the second time for good."""
    row = find_configuration(call, component_id, configuration_id, branch_id, or_in_trash=True)
    if row.deleted_at is None:
        editing.trash(row, actor=call.actor, now=call.now, expected_version=call.expected_version)
    else:
        editing.purge(row, actor=call.actor)
    return Answer(None)


@operation("Set the state of a configuration", {200: CONFIGURATION}, body=STATE)
def _set_state(call: Call, component_id: str, configuration_id: str, branch_id: str = DEFAULT) -> Any:
    row = find_configuration(call, component_id, configuration_id, branch_id)
    return _shown(editing.set_state(row, call.body.object("state"), actor=call.actor, now=call.now))


@operation("Restore a configuration from the trash", {200: CONFIGURATION})
def _restore(call: Call, component_id: str, configuration_id: str, branch_id: str = DEFAULT) -> Any:
    row = find_configuration(call, component_id, configuration_id, branch_id, or_in_trash=True)
    editing.restore(row, actor=call.actor, now=call.now)
    return _shown(row)


@operation("Copy a configuration", {201: CONFIGURATION}, body=COPIED_CONFIGURATION)
def _copy(call: Call, component_id: str, configuration_id: str, branch_id: str = DEFAULT) -> Any:
    """Of the newest version, or of the one in the body."""
    row = find_configuration(call, component_id, configuration_id, branch_id)
    return _copied(call, row, call.body.text("version"))


@operation("Copy a version of a configuration", {201: CONFIGURATION}, body=COPIED_VERSION)
def _copy_version(call: Call, component_id: str, configuration_id: str, version: str, branch_id: str = DEFAULT) -> Any:
    return _copied(call, find_configuration(call, component_id, configuration_id, branch_id), version)


def _copied(call: Call, row: Configuration, wanted: str) -> Answer:
    number = find_version(row, wanted).version if wanted else row.version
    name = call.body.text("name", f"{row.name} (copy)"[:255])
    given = call.body.given("description")
    description = call.body.text("description", most=100_000) if given else KEEP
    copied = editing.copy(row, name=name, description=description, version=number, actor=call.actor, now=call.now)
    return _shown(copied, 201)


@operation(
    "List the versions of a configuration, newest first",
    {200: list_of(CONFIGURATION_VERSION)},
    query={**LIMIT_AND_OFFSET, "include": TEXT},
)
def _list_versions(call: Call, component_id: str, configuration_id: str, branch_id: str = DEFAULT) -> Any:
    row = find_configuration(call, component_id, configuration_id, branch_id, or_in_trash=True)
    has_body = any("configuration" in text.split(",") for text in call.query.texts("include"))
    offset = call.query.whole("offset", 0)
    limit = call.query.whole("limit", 100, least=1, most=1000)
    rows = row.versions.select_related("created_by").order_by("-version")
    rows = rows if has_body else rows.defer("document")
    is_deleted = row.deleted_at is not None
    return [
        presenting.version(each, is_deleted=is_deleted, has_body=has_body) for each in rows[offset : offset + limit]
    ]


@operation("Show a version of a configuration", {200: CONFIGURATION_VERSION})
def _show_version(call: Call, component_id: str, configuration_id: str, version: str, branch_id: str = DEFAULT) -> Any:
    row = find_configuration(call, component_id, configuration_id, branch_id, or_in_trash=True)
    return presenting.version(find_version(row, version), is_deleted=row.deleted_at is not None, has_body=True)


@operation("Make an earlier version the newest", {200: CONFIGURATION}, headers=IF_MATCH)
def _roll_back(call: Call, component_id: str, configuration_id: str, version: str, branch_id: str = DEFAULT) -> Any:
    row = find_configuration(call, component_id, configuration_id, branch_id)
    number = find_version(row, version).version
    saved = editing.roll_back(row, number, actor=call.actor, now=call.now, expected_version=call.expected_version)
    return _shown(saved)


def find_configuration(
    call: Call, component_id: str, configuration_id: str, branch_id: str = DEFAULT, *, or_in_trash: bool = False
) -> Configuration:
    """Through the project. Raises NotFound, also for one in the trash unless ``or_in_trash``."""
    check_branch(call, branch_id)
    component = find_component(call, component_id)
    rows = Configuration.objects.in_project(call.project).filter(component_id=component.id)
    row: Configuration | None = (
        rows.select_related("project").filter(key=configuration_id).first() if has_no_nul(configuration_id) else None
    )
    if row is None:
        raise NotFound(f"There is no configuration {configuration_id!r} of {component.id} in this project.")
    if row.deleted_at is not None and not or_in_trash:
        raise NotFound(f"The configuration {configuration_id!r} of {component.id} is in the trash: restore it first.")
    return row


def find_version(row: Configuration, text: str) -> ConfigurationVersion:
    """Raises NotFound."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    found = row.versions.select_related("created_by").filter(version=number).first()
    if found is None:
        raise NotFound(f"There is no version {text!r} of the configuration {row.key!r}.")
    return found


# --- Private -----------------------------------------------------------------------------------


def _shown(row: Configuration, status: int = 200) -> Answer:
    """As it stands now, with its version as ETag."""
    fresh = presenting.with_versions(Configuration.objects.in_project(row.project_id).filter(pk=row.pk)).get()
    return Answer(presenting.configuration(fresh), status, version=fresh.version)


def _content(body: Fields) -> Content:
    """What the body sets; what it leaves out or gives as null stays."""
    if body.given("rows") and body.values["rows"] != []:
        raise Invalid("rows", "configurations have no rows here; give everything in configuration.")
    return Content(
        name=body.text("name") if body.given("name") else KEEP,
        description=body.text("description", most=100_000) if body.given("description") else KEEP,
        document=body.object("configuration") if body.given("configuration") else KEEP,
        is_disabled=body.flag("isDisabled") if body.given("isDisabled") else KEEP,
        state=body.object("state") if body.given("state") else KEEP,
    )


configurations = endpoint(STORAGE, get=_list, post=_create)
configuration = endpoint(STORAGE, get=_show, put=_update, delete=_delete)
state = endpoint(STORAGE, put=_set_state)
restored = endpoint(STORAGE, post=_restore)
copies = endpoint(STORAGE, post=_copy)
copies_of_version = endpoint(STORAGE, post=_copy_version)
versions = endpoint(STORAGE, get=_list_versions)
version = endpoint(STORAGE, get=_show_version)
rollback = endpoint(STORAGE, post=_roll_back)
