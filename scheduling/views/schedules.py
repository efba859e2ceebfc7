"""The dialog of a time schedule, its switch, its pause, its end; and what was missed while it was off."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from orchestrations import queries
from orchestrations.lib import moments, zones
from orchestrations.lib.durations import rough_words
from orchestrations.lib.htmx import go_to, offer_dialog, wants_fragment
from orchestrations.models import Orchestration, Role
from orchestrations.views.members import MemberRequest, for_members
from scheduling import cron, making_up, planning
from scheduling.forms import times
from scheduling.models import Schedule
from scheduling.planning import InvalidSchedule
from scheduling.queries import missed, outlook
from scheduling.views import time_fields

SAVE = "save"


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def new(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """POST action=save, or anything else to draw the dialog again as it stands then."""
    return _dialog(request, find_orchestration(request, orchestration_id), None)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def detail(request: MemberRequest, schedule_id: int) -> HttpResponse:
    schedule = _find(request, schedule_id)
    return _dialog(request, schedule.orchestration, schedule)


@require_POST
@for_members(Role.EDITOR)
def remove(request: MemberRequest, schedule_id: int) -> HttpResponse:
    schedule = _find(request, schedule_id)
    planning.remove(schedule, actor=request.member.actor)
    messages.success(request, "Schedule removed.")
    return go_to(request, page_url(schedule.orchestration))


@require_POST
@for_members(Role.OPERATOR)
def switch(request: MemberRequest, schedule_id: int) -> HttpResponse:
    """POST enabled=1 or 0."""
    schedule, member = _find(request, schedule_id), request.member
    enabled = request.POST.get("enabled") == "1"
    try:
        planning.set_enabled(schedule, enabled, actor=member.actor, now=member.now)
    except InvalidSchedule as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"Schedule switched {'on' if enabled else 'off'}.")
    return go_to(request, page_url(schedule.orchestration))


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.OPERATOR)
def pause(request: MemberRequest, schedule_id: int) -> HttpResponse:
    """POST until=2026-12-24T08:00 on the viewer's wall; empty goes on at once."""
    schedule, member = _find(request, schedule_id), request.member
    error = ""
    if request.method == "POST":
        try:
            until = _wall_moment(request.POST.get("until", ""), member.now)
            planning.pause(schedule, until, actor=member.actor, now=member.now)
        except (InvalidSchedule, moments.InvalidMoment) as refused:
            error = str(refused)
        else:
            messages.success(request, "Schedule paused." if until else "Schedule goes on.")
            return go_to(request, page_url(schedule.orchestration))
    context = {
        "fragment": wants_fragment(request),
        "schedule": schedule,
        "list_url": reverse("orchestrations", args=[schedule.orchestration.project_id]),
        "page_url": page_url(schedule.orchestration),
        "action_url": request.path,
        "paused_until": schedule.paused_until if schedule.is_paused(member.now) else None,
        "until": request.POST.get("until", ""),
        "error": error,
    }
    return render(request, "scheduling/schedule_pause_form.html", context, status=422 if error else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.OPERATOR)
def make_up(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    """What it missed while it was off (R15): POST chosen="schedule moment" …, or nothing to let it be."""
    orchestration, member = find_orchestration(request, orchestration_id), request.member
    if request.method == "POST":
        try:
            chosen = [_chosen(text) for text in request.POST.getlist("chosen")]
            jobs = making_up.start_missed(orchestration, chosen, actor=member.actor, now=member.now)
        except making_up.NotMissed as refused:
            messages.error(request, str(refused))
        else:
            count = len(jobs)
            messages.success(request, f"{count} run{'' if count == 1 else 's'} started." if count else "Left out.")
        return go_to(request, page_url(orchestration))
    context = {
        "fragment": wants_fragment(request),
        "name": orchestration.name,
        "missed": missed.of(orchestration),
        "list_url": reverse("orchestrations", args=[orchestration.project_id]),
        "page_url": page_url(orchestration),
        "action_url": request.path,
    }
    return render(request, "scheduling/missed_form.html", context)


def offer_missed(request: MemberRequest, orchestration_id: int, answer: HttpResponse) -> HttpResponse:
    """The answer to switching it on, which leads to the dialog of ``make_up`` if anything was missed (R15)."""
    orchestration = find_orchestration(request, orchestration_id)
    if not missed.of(orchestration):
        return answer
    url = reverse("schedule-missed", args=[orchestration.project_id, orchestration.pk])
    return offer_dialog(answer, url) if wants_fragment(request) else redirect(url)


def find_orchestration(request: MemberRequest, orchestration_id: int) -> Orchestration:
    found = queries.find_orchestration(request.member.project, orchestration_id)
    if found is None:
        raise Http404("There is no such orchestration in this project.")
    return found


def page_url(orchestration: Any) -> str:
    return reverse("orchestration", args=[orchestration.project_id, orchestration.pk])


def _find(request: MemberRequest, schedule_id: int) -> Schedule:
    rows = Schedule.objects.in_project(request.member.project).select_related("orchestration__project")
    found: Schedule | None = rows.filter(pk=schedule_id, orchestration__deleted_at__isnull=True).first()
    if found is None:
        raise Http404("There is no such schedule in this project.")
    return found


def _dialog(request: MemberRequest, orchestration: Any, schedule: Schedule | None) -> HttpResponse:
    member = request.member
    if request.method != "POST":
        form = times.of_schedule(schedule) if schedule is not None else times.blank("UTC")
        return _drawn(request, orchestration, schedule, form)
    form = times.of_post(request.POST)
    if request.POST.get("action") != SAVE or form.error:
        refused = bool(form.error) and request.POST.get("action") == SAVE
        return _drawn(request, orchestration, schedule, form, 422 if refused else 200)
    try:
        if schedule is None:
            planning.add(orchestration, form.wanted(), actor=member.actor, now=member.now)
        else:
            planning.change(schedule, form.wanted(), actor=member.actor, now=member.now)
    except InvalidSchedule as error:
        form.errors[error.field] = str(error)
        return _drawn(request, orchestration, schedule, form, 422)
    messages.success(request, "Schedule set up.")
    return go_to(request, page_url(orchestration))


def _drawn(
    request: MemberRequest, orchestration: Any, schedule: Schedule | None, form: times.TimesForm, status: int = 200
) -> HttpResponse:
    now, fields = request.member.now, time_fields.context_of(form, request.member.now)
    address = [orchestration.project_id, orchestration.pk]
    context = {
        "fragment": wants_fragment(request),
        "orchestration": orchestration,
        "list_url": reverse("orchestrations", args=[orchestration.project_id]),
        "page_url": page_url(orchestration),
        "action_url": request.path,
        "trigger_url": reverse("event-trigger", args=address) if schedule is None else "",
        "remove_url": reverse("schedule-removal", args=[address[0], schedule.pk]) if schedule is not None else "",
        **fields,
        **(_pile_up(orchestration, schedule, form, now) if fields["preview"] is not None else {}),
    }
    return render(request, "scheduling/schedule_form.html", context, status=status)


def _pile_up(orchestration: Any, schedule: Schedule | None, form: times.TimesForm, now: datetime) -> dict[str, Any]:
    """Whether its runs would pile up, together with those of the other schedules (R17)."""
    zone = zones.find(form.zone)
    assert zone is not None
    wanted = Schedule(
        pk=schedule.pk if schedule is not None else None,
        orchestration=orchestration,
        expression=form.expression,
        zone=zone,
        catch_up=form.catch_up,
        overlap=form.overlap,
        next_run_at=cron.next_after(form.expression, zone, now),
    )
    found, known = outlook.pile_up_of(orchestration, wanted, now=now)
    if known is None:
        return {"pile_up": "", "usual": "Run it once first to see how long it takes."}
    sample = "the last execution" if known.executions == 1 else f"the last {known.executions} executions"
    return {
        "pile_up": found.sentence if found is not None else "",
        "usual": f"Usually takes {rough_words(known.seconds)} ({sample}).",
    }


def _wall_moment(text: str, now: datetime) -> datetime | None:
    """What a field of date and time gives: a moment on the wall of the viewer's zone."""
    if not text.strip():
        return None
    try:
        wall = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise moments.InvalidMoment("Paused until: expected a date and a time.") from error
    return wall if wall.tzinfo else wall.replace(tzinfo=timezone.get_current_timezone())


def _chosen(text: str) -> tuple[int, datetime]:
    number, _, moment = text.partition(" ")
    try:
        return int(number), datetime.fromisoformat(moment)
    except ValueError as error:
        raise making_up.NotMissed("This start was not offered.") from error
