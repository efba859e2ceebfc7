"""The form of an event trigger as it goes to and fro: its tables, its cool-down, and when it fires."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import QueryDict

from scheduling.models import EventTrigger, FiresWhen
from scheduling.setting_triggers import MOST_TABLES

USUAL_MINUTES = 5


@dataclass(kw_only=True)
class TablesForm:
    table_ids: list[str] = field(default_factory=list)
    cool_down: str = str(USUAL_MINUTES)
    fires_when: str = FiresWhen.NEXT_UPDATE
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def minutes(self) -> int:
        """0, which is refused, for what is no number."""
        text = self.cool_down.strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def of_trigger(trigger: EventTrigger | None) -> TablesForm:
    if trigger is None:
        return TablesForm()
    labels = trigger.orchestration.watched_tables.order_by("label").values_list("label", flat=True)
    return TablesForm(table_ids=list(labels), cool_down=str(trigger.cool_down_minutes), fires_when=trigger.fires_when)


def of_post(post: QueryDict) -> TablesForm:
    """``add`` puts a table in, ``remove`` takes one out."""
    ids = [each for each in post.getlist("table") if each and each != post.get("remove", "")]
    added = post.get("add", "").strip()
    if added:
        ids.append(added)
    return TablesForm(
        table_ids=list(dict.fromkeys(ids))[: MOST_TABLES + 1],
        cool_down=post.get("cool_down", ""),
        fires_when=post.get("fires_when", FiresWhen.NEXT_UPDATE),
    )
