"""The form of an orchestration's notifications, as it goes to and fro: what is typed is kept until it is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.http import QueryDict

from orchestrations import subscribing
from orchestrations.models import Channel, EventType, Subscription
from orchestrations.subscribing import InvalidSubscription, Wanted

USUAL_PERCENT = 20
ROWS = (
    (EventType.FAILED, "Errors", "A run ends in error."),
    (EventType.WARNING, "Warnings", "A run goes on over a failure and ends with a warning."),
    (EventType.LONG, "Processing", ""),
    (EventType.SUCCEEDED, "Success", "A run ends well."),
)
LONGEST_LIST = 50
SHAPES = "Type an e-mail address, a webhook (https://…) or the address of a chat service (slack://…)."


@dataclass(kw_only=True)
class Row:
    """One event, and who is told of it."""

    event: str
    label: str
    hint: str
    addresses: list[str] = field(default_factory=list)
    typed: str = ""
    """What stands in the field and is no address yet."""
    error: str = ""


@dataclass(kw_only=True)
class RecipientsForm:
    rows: list[Row]
    percent: str = str(USUAL_PERCENT)
    percent_error: str = ""
    note: str = ""

    @property
    def is_refused(self) -> bool:
        return bool(self.percent_error or any(row.error for row in self.rows))

    def wanted(self) -> list[Wanted]:
        """Of a form that is not refused."""
        return [
            Wanted(
                event=row.event,
                channel=channel_of(address),
                address=address,
                overtime_percent=int(self.percent) if row.event == EventType.LONG else None,
            )
            for row in self.rows
            for address in row.addresses
        ]


def of_subscriptions(subscriptions: Iterable[Subscription]) -> RecipientsForm:
    every = list(subscriptions)
    percents = sorted({each.overtime_percent for each in every if each.overtime_percent is not None})
    form = RecipientsForm(rows=_rows({}))
    for row in form.rows:
        row.addresses = list(dict.fromkeys(each.address for each in every if each.event == row.event))
    if percents:
        form.percent = str(percents[0])
    if len(percents) > 1:
        told = ", ".join(f"{percent} %" for percent in percents)
        form.note = f"They are told at {told} over the usual. Saving here tells all of them at {percents[0]} %."
    return form


def of_post(post: QueryDict, now: datetime) -> RecipientsForm:
    """What was posted. A typed address becomes one of the list, or says why not; ``remove`` takes one out."""
    form = RecipientsForm(rows=_rows(post), percent=post.get("percent", "").strip())
    removed_event, _, removed = post.get("remove", "").partition(" ")
    for row in form.rows:
        row.addresses = list(dict.fromkeys(post.getlist(row.event)))[:LONGEST_LIST]
        if row.event == removed_event and removed in row.addresses:
            row.addresses.remove(removed)
        _take_typed(row, now)
    if not form.percent.isascii() or not form.percent.isdigit() or int(form.percent) > subscribing.PERCENT_AT_MOST:
        form.percent_error = f"Expected a number from 0 to {subscribing.PERCENT_AT_MOST}."
    return form


def refuse(form: RecipientsForm, error: InvalidSubscription) -> RecipientsForm:
    """With the sentence where it belongs as far as that can be told."""
    form.rows[0].error = error.message
    return form


def channel_of(address: str) -> str:
    """What kind of recipient somebody has typed."""
    if address.startswith(("http://", "https://")):
        return Channel.WEBHOOK
    return Channel.CHAT if "://" in address else Channel.EMAIL


def _rows(post: Mapping[str, str]) -> list[Row]:
    return [
        Row(event=event, label=label, hint=hint, typed=str(post.get(f"new-{event}", "")).strip())
        for event, label, hint in ROWS
    ]


def _take_typed(row: Row, now: datetime) -> None:
    for address in row.typed.replace(",", " ").replace(";", " ").split():
        percent = USUAL_PERCENT if row.event == EventType.LONG else None
        wanted = Wanted(event=row.event, channel=channel_of(address), address=address, overtime_percent=percent)
        try:
            address = subscribing.checked(wanted, now).address
        except InvalidSubscription as error:
            row.error = f"{error.message} {SHAPES}" if "@" not in address else error.message
            return
        if len(row.addresses) >= LONGEST_LIST:
            row.error = f"At most {LONGEST_LIST} addresses for one event; write to a mailing list instead."
            return
        if address not in row.addresses:
            row.addresses.append(address)
    row.typed = ""
