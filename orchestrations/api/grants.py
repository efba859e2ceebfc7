"""Tokens by the API: made, shown, changed, refreshed and deleted (API.md, "Storage: tokens"; R18, R19)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from orchestrations import access, granting
from orchestrations.api import presenting
from orchestrations.api.configurations import find_configuration
from orchestrations.api.errors import STORAGE, ApiError, Invalid, NotFound
from orchestrations.api.fields import Fields
from orchestrations.api.operations import LIMIT_AND_OFFSET, operation
from orchestrations.api.schemas import CHANGED_TOKEN, NEW_TOKEN, REPLACEMENT, TOKEN, TOKEN_EVENT
from orchestrations.api.tokens import DEFAULT
from orchestrations.api.wire import Answer, Call, endpoint, number_of, origin
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.granting import Grant, InvalidToken
from orchestrations.lib.openapi import FLAG, list_of
from orchestrations.models import Role, Token


@operation("List the tokens of the project", {200: list_of(TOKEN)})
def _list(call: Call) -> Any:
    access.require(call.actor, call.project, Role.VIEWER)
    return [_shown(call, row) for row in granting.of_project(call.project)]


@operation("Create a token; its text is told this once", {201: TOKEN}, body=NEW_TOKEN)
def _create(call: Call) -> Any:
    _require_own(call)
    try:
        token, text = granting.grant(call.project, _wanted(call.body), actor=call.actor, now=call.now)
    except InvalidToken as error:
        raise Invalid(error.field, error.message) from error
    return Answer(_shown(call, token, text), 201)


@operation("Show a token", {200: TOKEN})
def _show(call: Call, token_id: str) -> Any:
    return _shown(call, _find(call, token_id))


@operation("Change a token", {200: TOKEN}, body=CHANGED_TOKEN)
def _change(call: Call, token_id: str) -> Any:
    _require_own(call)
    token = _find(call, token_id)
    try:
        changed = granting.change(token, _wanted(call.body, token), actor=call.actor, now=call.now)
    except InvalidToken as error:
        raise Invalid(error.field, error.message) from error
    return _shown(call, changed)


@operation("Delete a token", {204: None})
def _delete(call: Call, token_id: str) -> Any:
    granting.delete(_find(call, token_id), actor=call.actor)
    return Answer(None)


@operation("Give a token a new text", {200: TOKEN})
def _refresh(call: Call, token_id: str) -> Any:
    token = _find(call, token_id)
    text = granting.refresh(token, actor=call.actor, now=call.now)
    token.refresh_from_db()
    return _shown(call, token, text)


@operation("List what happened to a token", {200: list_of(TOKEN_EVENT)}, query=LIMIT_AND_OFFSET)
def _list_events(call: Call, token_id: str) -> Any:
    token = _find(call, token_id)
    offset, limit = call.query.whole("offset", 0), call.query.whole("limit", 100, least=1, most=1000)
    return [presenting.token_event(row) for row in granting.events_of(token, offset=offset, limit=limit)]


@operation(
    "Replace the own token of an orchestration",
    {201: TOKEN},
    query={"immediately": FLAG},
    body=REPLACEMENT,
    description="The old one works for the runs that have begun with it, and with immediately=1 for nothing more.",
)
def _replace(call: Call, component_id: str, configuration_id: str, branch_id: str = DEFAULT) -> Any:
    """The special API of an orchestration's own token (R18); its text is nobody's but its components'."""
    row = find_configuration(call, component_id, configuration_id, branch_id)
    if row.component_id != ORCHESTRATOR:
        raise ApiError(400, f"{row.name} is no orchestration, so it has no token of its own.")
    asked = [each.flag("immediately") for each in (call.query, call.body)]
    token = granting.replace_own(row, actor=call.actor, now=call.now, immediately=any(asked))
    return Answer(_shown(call, token), 201)


def _require_own(call: Call) -> None:
    if not call.token.is_master:
        raise ApiError(403, "Only a person's own token may make and change tokens.")


def _find(call: Call, token_id: str) -> Token:
    """Through the project; a limited token sees itself alone. Raises NotFound."""
    rows = granting.of_project(call.project)
    if not call.actor.is_person:
        rows = rows.filter(pk=call.token.pk)
    found = rows.filter(pk=number_of(token_id)).first()
    if found is None:
        raise NotFound(f"There is no token {token_id!r} in this project.")
    return found


def _shown(call: Call, row: Token, text: str = "") -> dict[str, Any]:
    return presenting.token(row, origin=origin(call.request), now=call.now, text=text)


def _wanted(body: Fields, present: Token | None = None) -> Grant:
    """What the body sets; of a token that is there, what it leaves out stays."""
    manages = body.flag("canManageBuckets", present.may_manage_buckets if present else False)
    # Who may manage buckets reaches all of them, and every component.
    components: list[str] | None = present.component_access if present else None if manages else []
    buckets: dict[str, str] | None = present.bucket_permissions if present else None if manages else {}
    if body.given("componentAccess"):
        components = body.texts("componentAccess")
    if body.given("bucketPermissions"):
        given = body.object("bucketPermissions")
        buckets = {str(bucket): str(permission) for bucket, permission in given.items()}
    seconds = body.whole("expiresIn", 0) if body.given("expiresIn") else None
    return Grant(
        description=body.text("description", present.description if present else ""),
        component_access=components,
        bucket_permissions=buckets,
        may_manage_buckets=manages,
        expires_in=timedelta(seconds=seconds) if seconds is not None else None,
    )


tokens = endpoint(STORAGE, get=_list, post=_create)
token = endpoint(STORAGE, get=_show, put=_change, delete=_delete)
refreshed = endpoint(STORAGE, post=_refresh)
events = endpoint(STORAGE, get=_list_events)
of_orchestration = endpoint(STORAGE, post=_replace)
