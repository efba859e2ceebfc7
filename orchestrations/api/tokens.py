"""Who am I, where am I: the token of the call, the branches of its project, the services of this installation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from orchestrations import access
from orchestrations.api import fields, presenting
from orchestrations.api.errors import NOTIFICATION, QUEUE, SCHEDULER, STORAGE, NotFound
from orchestrations.api.operations import operation
from orchestrations.api.schemas import BRANCH, INDEX, VERIFIED_TOKEN
from orchestrations.api.wire import Call, endpoint, origin
from orchestrations.components import catalogue
from orchestrations.lib.openapi import TEXT, list_of

DEFAULT = "default"


@operation("Show the token of the call", {200: VERIFIED_TOKEN})
def _verify(call: Call) -> Any:
    role = access.role_of(call.actor.user, call.project) if call.actor.user is not None else None
    return presenting.verified_token(call, role, origin(call.request))


@operation("List the branches: there is one", {200: list_of(BRANCH)})
def _list_branches(call: Call) -> Any:
    return [presenting.branch(call.project)]


@operation("Show a branch", {200: BRANCH})
def _show_branch(call: Call, branch_id: str) -> Any:
    check_branch(call, branch_id)
    return presenting.branch(call.project)


@operation("List the services of this installation", {200: INDEX}, query={"exclude": TEXT})
def _describe(request: HttpRequest) -> Any:
    """Public: clients find the other services here before they show a token."""
    here = origin(request)
    services = [{"id": each.name, "url": f"{here}{each.prefix}"} for each in (QUEUE, SCHEDULER, NOTIFICATION)]
    index = {
        "host": request.get_host(),
        "api": "storage",
        "version": "v2",
        "url": f"{here}{STORAGE.prefix}",
        "services": services,
        "features": [],
    }
    left_out = {name for text in fields.of_query(request).texts("exclude") for name in text.split(",")}
    return index if "components" in left_out else {**index, "components": presenting.components(catalogue.all())}


def check_branch(call: Call, branch_id: str) -> None:
    """Raises NotFound unless it is the one branch of the project, by its word or its id."""
    if branch_id not in (DEFAULT, str(call.project.pk)):
        raise NotFound(f"There is no branch {branch_id!r} in this project; there is one, {DEFAULT!r}.")


verify = endpoint(STORAGE, get=_verify)
branches = endpoint(STORAGE, get=_list_branches)
branch = endpoint(STORAGE, get=_show_branch)
index = endpoint(STORAGE, is_public=True, get=_describe)
