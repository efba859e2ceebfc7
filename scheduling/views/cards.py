"""What pages of the floors below show of schedules and triggers; the floor above puts it there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.urls import reverse
from django.utils import timezone

from orchestrations.lib import links
from orchestrations.models import Configuration, Role, Table
from orchestrations.views.members import MemberRequest
from scheduling.queries import cards, watching

NEXT_STARTS = 5


def of_dashboard(request: MemberRequest) -> dict[str, Any]:
    """``next_starts`` of the template: the next ones, and the page with all of them."""
    project, now = request.member.project, request.member.now
    found = cards.next_of(project, NEXT_STARTS)
    return {
        "next_starts": [
            {
                **asdict(each),
                "url": links.of("orchestration", project.pk, each.orchestration_id),
                "is_late": each.at < now,
            }
            for each in found
        ],
        "next_starts_url": reverse("next-starts", args=[project.pk]),
    }


def of_page(request: MemberRequest, orchestration: Configuration) -> dict[str, Any]:
    """``schedule`` of the template; addresses are "" where the viewer may not."""
    member = request.member
    card = cards.of_orchestration(orchestration, member.now, timezone.get_current_timezone())
    project_id, address = orchestration.project_id, [orchestration.project_id, orchestration.pk]
    edits, operates = member.may(Role.EDITOR), member.may_operate

    def url(name: str, allowed: bool, *arguments: int) -> str:
        return reverse(name, args=[project_id, *arguments]) if allowed else ""

    rows = [
        {
            **asdict(row),
            "edit_url": url("schedule", edits, row.id),
            "switch_url": url("schedule-switch", operates, row.id),
            "pause_url": url("schedule-pause", operates, row.id),
        }
        for row in card.schedules
    ]
    return {
        "schedule": {
            "card": card,
            "rows": rows,
            "trigger": card.trigger,
            "is_enabled": not orchestration.is_disabled,
            "add_url": url("schedule-new", edits, orchestration.pk),
            "missed_url": url("schedule-missed", operates, orchestration.pk),
            "trigger_url": url("event-trigger", edits, orchestration.pk),
            "trigger_switch_url": url("event-trigger-switch", operates, orchestration.pk),
            "inspector_url": reverse("event-trigger-inspector", args=address),
        }
    }


def of_run_form(request: MemberRequest, orchestration: Configuration) -> dict[str, Any]:
    """``next_start_at`` of the template."""
    return {"next_start_at": cards.next_start_of(orchestration)}


def of_notifications(request: MemberRequest) -> list[int]:
    """The orchestrations that something starts without a person."""
    return [pk for pk, automation in cards.of_many(request.member.project, None).items() if not automation.is_off]


def of_table(request: MemberRequest, table: Table) -> dict[str, Any]:
    """``watchers`` of the template: the orchestrations of the viewer's project that its updates start."""
    project = request.member.project
    return {
        "watchers": [
            {
                "name": each.name,
                "words": each.words,
                "url": links.of("orchestration", project.pk, each.orchestration_id),
            }
            for each in watching.watchers_of(project, table)
        ]
    }
