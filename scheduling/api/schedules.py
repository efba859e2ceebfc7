"""The Scheduler API."""

from __future__ import annotations

from typing import Any

from orchestrations import access
from orchestrations.api.errors import SCHEDULER, ApiError, Invalid, NotFound
from orchestrations.api.operations import operation
from orchestrations.api.wire import Answer, Call, endpoint, has_no_nul, moment, number_of
from orchestrations.lib.openapi import TEXT, list_of
from orchestrations.models import Configuration, Role
from scheduling import declaring, planning
from scheduling.api.schemas import NEW_SCHEDULE, SCHEDULE
from scheduling.models import Firing, Schedule
from scheduling.planning import InvalidSchedule

EXECUTIONS = 20


@operation("List schedules", {200: list_of(SCHEDULE)}, query={"componentId": TEXT, "configurationId": TEXT})
def _list(call: Call) -> Any:
    access.require(call.actor, call.project, Role.VIEWER)
    rows = _of(call)
    for name, field in (("componentId", "component_id"), ("configurationId", "key")):
        if call.query.given(name):
            rows = rows.filter(**{f"orchestration__{field}": call.query.text(name)})
    return _shown(list(rows.order_by("pk")))


@operation("Make the schedule of a configuration active", {201: SCHEDULE}, body=NEW_SCHEDULE)
def _activate(call: Call) -> Any:
    key = call.body.text("configurationId")
    rows = Configuration.objects.in_project(call.project).live().select_related("project")
    found = rows.filter(component_id=declaring.SCHEDULER, key=key).first() if key and has_no_nul(key) else None
    if found is None:
        raise NotFound(f"configurationId: there is no configuration {key!r} of {declaring.SCHEDULER} in this project.")
    wanted = call.body.text("configurationVersionId")
    if wanted and wanted != str(found.version):
        raise ApiError(
            409, f"configurationVersionId: the newest version is {found.version}; older ones stay as they are."
        )
    try:
        schedule = declaring.activate(found, actor=call.actor, now=call.now)
    except InvalidSchedule as error:
        raise Invalid(error.field, str(error)) from error
    return Answer(_shown([_of(call).get(pk=schedule.pk)])[0], 201)


@operation("Show a schedule", {200: SCHEDULE})
def _show(call: Call, schedule_id: str) -> Any:
    access.require(call.actor, call.project, Role.VIEWER)
    return _shown([_find(call, schedule_id)])[0]


@operation("Remove a schedule", {204: None})
def _remove(call: Call, schedule_id: str) -> Any:
    planning.remove(_find(call, schedule_id), actor=call.actor)
    return Answer(None)


@operation("Remove the schedule of a configuration", {204: None})
def _remove_of_declaration(call: Call, configuration_id: str) -> Any:
    found = _of(call).filter(declaration__key=configuration_id).first() if has_no_nul(configuration_id) else None
    if found is None:
        raise NotFound(f"The configuration {configuration_id!r} has no active schedule in this project.")
    planning.remove(found, actor=call.actor)
    return Answer(None)


def _of(call: Call) -> Any:
    rows = Schedule.objects.in_project(call.project).select_related("orchestration__project", "declaration")
    return rows.filter(orchestration__deleted_at__isnull=True)


def _find(call: Call, schedule_id: str) -> Schedule:
    found: Schedule | None = _of(call).filter(pk=number_of(schedule_id)).first()
    if found is None:
        raise NotFound(f"There is no schedule {schedule_id!r} in this project.")
    return found


def _shown(rows: list[Schedule]) -> list[dict[str, Any]]:
    """With the last executions of each: two queries."""
    tokens = _tokens(rows)
    return [
        {
            "id": str(row.pk),
            "tokenId": tokens.get(row.orchestration_id),
            "configurationId": row.declaration.key if row.declaration is not None else None,
            "configurationVersionId": str(row.declaration_version or ""),
            "schedule": {
                "cronTab": row.expression,
                "timezone": str(row.zone),
                "state": declaring.ENABLED if row.is_enabled else declaring.DISABLED,
            },
            "target": {
                "componentId": row.orchestration.component_id,
                "configurationId": row.orchestration.key,
                "mode": "run",
            },
            "executions": [
                {"jobId": str(job_id), "executionTime": moment(due_at)}
                for job_id, due_at in Firing.objects.filter(schedule=row.pk, job__isnull=False)
                .order_by("-due_at")
                .values_list("job", "due_at")[:EXECUTIONS]
            ],
            "nextExecutionTime": moment(row.next_run_at),
        }
        for row in rows
    ]


def _tokens(rows: list[Schedule]) -> dict[int, str]:
    ids = [row.orchestration_id for row in rows]
    own = Configuration.objects.filter(pk__in=ids, own_tokens__replaced_at__isnull=True)
    return {pk: str(token) for pk, token in own.values_list("pk", "own_tokens")}


schedules = endpoint(SCHEDULER, get=_list, post=_activate)
schedule = endpoint(SCHEDULER, get=_show, delete=_remove)
declaration = endpoint(SCHEDULER, delete=_remove_of_declaration)
