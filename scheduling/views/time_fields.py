"""What the fields of a time schedule show, in whichever dialog they stand (_times.html)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from orchestrations.lib import zones
from scheduling import wording
from scheduling.forms import times
from scheduling.policies import CatchUp, Overlap
from scheduling.queries import previews


def context_of(form: times.TimesForm, now: datetime) -> dict[str, Any]:
    """The form with its choices. ``preview``: None while expression or zone cannot be read."""
    mine, parsed, zone = timezone.get_current_timezone(), form.parsed, zones.find(form.zone)
    return {
        "form": form,
        "presets": [(name, words) for name, (words, _) in times.PRESETS.items()],
        "zones": _zones(form.zone, str(mine), now),
        "preview": previews.of(parsed, zone, my_zone=mine, now=now)
        if parsed is not None and zone is not None
        else None,
        "minutes": [(value, f"{value:02d}") for value in range(60)],
        "hours": [(value, f"{value:02d}") for value in range(24)],
        "weekdays": [(value, wording.WEEKDAYS[value]) for value in times.WEEK],
        "catch_ups": CatchUp.choices,
        "overlaps": Overlap.choices,
    }


def _zones(chosen: str, mine: str, now: datetime) -> SafeString:
    """Options: UTC and the viewer's own first, each with its clock. A template would take long for so many."""
    every = {zone.name: zone.words for zone in zones.choices(now)}
    first = [("UTC", every["UTC"])]
    if mine != "UTC" and mine in every:
        first.append((mine, f"My Time Zone ({every[mine]})"))
    rest = [(name, words) for name, words in every.items() if name not in ("UTC", mine)]
    selected = mark_safe(" selected")
    options = ((name, selected if name == chosen else "", words) for name, words in [*first, *rest])
    return format_html_join("", '<option value="{}"{}>{}</option>', options)
