"""Event triggers by the Storage API."""

from __future__ import annotations

from typing import Any

from django.db.models import Max

from jobs.models import Job
from orchestrations import access
from orchestrations.api.errors import STORAGE, ApiError, NotFound
from orchestrations.api.fields import Fields
from orchestrations.api.operations import operation
from orchestrations.api.wire import Answer, Call, endpoint, has_no_nul, moment, number_of
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib.openapi import TEXT, list_of
from orchestrations.models import Configuration, Role, Token
from scheduling import setting_triggers
from scheduling.api.schemas import CHANGED_TRIGGER, NEW_TRIGGER, TRIGGER
from scheduling.models import EventTrigger
from scheduling.setting_triggers import InvalidTrigger, UnknownTable, Wanted

NAMES = {"table_ids": "tableIds", "cool_down_minutes": "coolDownPeriodMinutes", "orchestration": "configurationId"}


@operation("List event triggers", {200: list_of(TRIGGER)}, query={"component": TEXT, "configurationId": TEXT})
def _list(call: Call) -> Any:
    access.require(call.actor, call.project, Role.VIEWER)
    rows = _of(call)
    for name, field in (("component", "component_id"), ("configurationId", "key")):
        if call.query.given(name):
            rows = rows.filter(**{f"orchestration__{field}": call.query.text(name)})
    return [_shown(row) for row in rows.order_by("pk")]


@operation("Create an event trigger", {201: TRIGGER}, body=NEW_TRIGGER, invalid_status=422)
def _create(call: Call) -> Any:
    access.require(call.actor, call.project, Role.EDITOR)
    orchestration = _orchestration(call, call.body)
    if EventTrigger.objects.filter(orchestration=orchestration).exists():
        raise ApiError(409, f"{orchestration.name} has a trigger already; change that one.")
    return Answer(_set(call, orchestration, None), 201)


@operation("Show an event trigger", {200: TRIGGER})
def _show(call: Call, trigger_id: str) -> Any:
    access.require(call.actor, call.project, Role.VIEWER)
    return _shown(_find(call, trigger_id))


@operation("Change an event trigger", {200: TRIGGER}, body=CHANGED_TRIGGER, invalid_status=422)
def _change(call: Call, trigger_id: str) -> Any:
    access.require(call.actor, call.project, Role.EDITOR)
    trigger = _find(call, trigger_id)
    of, body = trigger.orchestration, call.body
    if (body.text("component", of.component_id), body.text("configurationId", of.key)) != (of.component_id, of.key):
        raise ApiError(422, "configurationId: a trigger stays with its orchestration; make one for the other.")
    return _set(call, trigger.orchestration, trigger)


@operation("Remove an event trigger", {204: None})
def _remove(call: Call, trigger_id: str) -> Any:
    setting_triggers.remove(_find(call, trigger_id), actor=call.actor)
    return Answer(None)


def _set(call: Call, orchestration: Configuration, present: EventTrigger | None) -> dict[str, Any]:
    body = call.body
    token = _run_with(call, present)
    ids = body.texts("tableIds")
    if present is not None and not body.given("tableIds"):
        ids = list(orchestration.watched_tables.values_list("label", flat=True))
    minutes = body.whole("coolDownPeriodMinutes", present.cool_down_minutes if present else 5)
    wanted = Wanted(table_ids=ids, cool_down_minutes=minutes, **({"fires_when": present.fires_when} if present else {}))
    try:
        trigger = setting_triggers.set_trigger(orchestration, wanted, actor=call.actor, now=call.now)
    except InvalidTrigger as error:
        status = 404 if isinstance(error, UnknownTable) else 422
        raise ApiError(status, f"{NAMES.get(error.field, error.field)}: {error.problem}") from error
    EventTrigger.objects.filter(pk=trigger.pk).update(run_with=token)
    return _shown(_of(call).get(pk=trigger.pk))


def _run_with(call: Call, present: EventTrigger | None) -> Token | None:
    text = call.body.text("runWithTokenId")
    if not text:
        return present.run_with if present is not None else None
    found: Token | None = Token.objects.filter(project=call.project, pk=number_of(text)).first()
    if found is None:
        raise ApiError(422, f"runWithTokenId: there is no token {text!r} in this project.")
    return found


def _orchestration(call: Call, body: Fields) -> Configuration:
    component, key = body.text("component", ORCHESTRATOR), body.text("configurationId")
    if component != ORCHESTRATOR:
        raise ApiError(422, f"component: triggers start orchestrations ({ORCHESTRATOR}).")
    rows = Configuration.objects.in_project(call.project).live().select_related("project")
    found: Configuration | None = rows.filter(component_id=component, key=key).first() if has_no_nul(key) else None
    if found is None:
        raise NotFound(f"configurationId: there is no orchestration {key!r} in this project.")
    return found


def _of(call: Call) -> Any:
    rows = EventTrigger.objects.filter(orchestration__project=call.project, orchestration__deleted_at__isnull=True)
    return rows.select_related("orchestration__project", "created_by", "run_with").prefetch_related(
        "orchestration__watched_tables", "orchestration__own_tokens"
    )


def _find(call: Call, trigger_id: str) -> EventTrigger:
    found: EventTrigger | None = _of(call).filter(pk=number_of(trigger_id)).first()
    if found is None:
        raise NotFound(f"There is no trigger {trigger_id!r} in this project.")
    return found


def _shown(row: EventTrigger) -> dict[str, Any]:
    orchestration = row.orchestration
    own = next((token for token in orchestration.own_tokens.all() if token.replaced_at is None), None)
    token = row.run_with or own
    last = Job.objects.filter(configuration=orchestration.pk).aggregate(last=Max("started_at"))["last"]
    return {
        "id": str(row.pk),
        "runWithTokenId": token.pk if token is not None else None,
        "component": orchestration.component_id,
        "configurationId": orchestration.key,
        "lastRun": moment(last),
        "coolDownPeriodMinutes": row.cool_down_minutes,
        "creatorToken": {"id": None, "description": str(row.created_by) if row.created_by is not None else ""},
        "tables": [
            {"tableId": each.label} for each in sorted(orchestration.watched_tables.all(), key=lambda t: t.label)
        ],
    }


triggers = endpoint(STORAGE, get=_list, post=_create)
trigger = endpoint(STORAGE, get=_show, put=_change, delete=_remove)
