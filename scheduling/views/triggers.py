"""The dialog of an event trigger, its inspector, its switch and its end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Orchestration, Role
from orchestrations.views.members import MemberRequest, for_members
from scheduling import setting_triggers, triggering, wording
from scheduling.forms import tables
from scheduling.models import EventTrigger, FiresWhen
from scheduling.queries import cards, watching
from scheduling.setting_triggers import InvalidTrigger, Wanted
from scheduling.views.schedules import find_orchestration, page_url

LAST = 20


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def detail(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """POST action=save, action=remove, or anything else to draw it again with what was added or taken out."""
    orchestration, member = find_orchestration(request, orchestration_id), request.member
    trigger = _of(orchestration)
    if request.method != "POST":
        return _drawn(request, orchestration, trigger, tables.of_trigger(trigger))
    if request.POST.get("action") == "remove" and trigger is not None:
        setting_triggers.remove(trigger, actor=member.actor)
        messages.success(request, "Trigger removed.")
        return go_to(request, page_url(orchestration))
    form = tables.of_post(request.POST)
    if request.POST.get("action") != "save":
        return _drawn(request, orchestration, trigger, form)
    try:
        wanted = Wanted(table_ids=form.table_ids, cool_down_minutes=form.minutes, fires_when=form.fires_when)
        setting_triggers.set_trigger(orchestration, wanted, actor=member.actor, now=member.now)
    except InvalidTrigger as error:
        form.errors[error.field] = str(error)
        return _drawn(request, orchestration, trigger, form, 422)
    messages.success(request, "Trigger set up.")
    return go_to(request, page_url(orchestration))


@require_POST
@for_members(Role.OPERATOR)
def switch(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """POST enabled=1 or 0."""
    orchestration, member = find_orchestration(request, orchestration_id), request.member
    trigger = _found(orchestration)
    enabled = request.POST.get("enabled") == "1"
    setting_triggers.set_enabled(trigger, enabled, actor=member.actor, now=member.now)
    messages.success(request, f"Trigger switched {'on' if enabled else 'off'}.")
    return go_to(request, page_url(orchestration))


@require_safe
@for_members()
def inspect(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """What it waits for, its last evaluations; ``?updated=in.c-a.b`` says what an update of that table would do."""
    orchestration, member = find_orchestration(request, orchestration_id), request.member
    trigger = _found(orchestration)
    watched = triggering.watched_by(trigger)
    simulated, zone = request.GET.get("updated", ""), timezone.get_current_timezone()
    finding = _simulated(trigger, watched, simulated, member.now) if simulated else None
    context = {
        "fragment": wants_fragment(request),
        "orchestration": orchestration,
        "list_url": reverse("orchestrations", args=[orchestration.project_id]),
        "page_url": page_url(orchestration),
        "here": request.path,
        "trigger": trigger,
        "state": cards.state_of(trigger, watched, member.now, zone),
        "tables": watching.rows_of(orchestration, watched),
        "simulated": simulated,
        "finding": finding,
        "finding_sentence": wording.in_zone(finding.sentence, member.now, zone) if finding else "",
        "evaluations": [
            {"at": each.at, "job_id": each.job_id, "sentence": wording.in_zone(each.sentence, each.at, zone)}
            for each in trigger.evaluations.order_by("-pk")[:LAST]
        ],
    }
    return render(request, "scheduling/trigger_inspector.html", context)


def _simulated(
    trigger: EventTrigger, watched: list[triggering.Watched], label: str, now: Any
) -> triggering.Finding | None:
    if not any(each.label == label for each in watched):
        return None
    after = [
        replace(each, revision=each.revision + 1) if each.label == label and each.revision is not None else each
        for each in watched
    ]
    return triggering.examine(trigger, now, watched=after)


def _of(orchestration: Orchestration) -> EventTrigger | None:
    found: EventTrigger | None = (
        EventTrigger.objects.filter(orchestration=orchestration.pk).select_related("orchestration__project").first()
    )
    return found


def _found(orchestration: Orchestration) -> EventTrigger:
    trigger = _of(orchestration)
    if trigger is None:
        raise Http404("This orchestration has no trigger.")
    return trigger


def _drawn(
    request: MemberRequest,
    orchestration: Orchestration,
    trigger: EventTrigger | None,
    form: tables.TablesForm,
    status: int = 200,
) -> HttpResponse:
    project, zone = request.member.project, timezone.get_current_timezone()
    offered = watching.offered(project)
    watched = triggering.watched_by(trigger) if trigger is not None else []
    context = {
        "fragment": wants_fragment(request),
        "orchestration": orchestration,
        "list_url": reverse("orchestrations", args=[orchestration.project_id]),
        "page_url": page_url(orchestration),
        "action_url": request.path,
        "times_url": reverse("schedule-new", args=[project.pk, orchestration.pk]),
        "form": form,
        "rows": watching.chosen(form.table_ids, offered, watched),
        "offered": [each for each in offered if each.table_id not in form.table_ids],
        "written": watching.written_by(orchestration, form.table_ids),
        "fires_when": FiresWhen.choices,
        "is_set": trigger is not None,
        "state": cards.state_of(trigger, watched, request.member.now, zone) if trigger is not None else "",
        "storage_url": "",
    }
    return render(request, "scheduling/trigger_form.html", context, status=status)
