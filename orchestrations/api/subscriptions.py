"""The Notification API: ``project-subscriptions`` (API.md, "Triggers, schedules, notifications")."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orchestrations import access, subscribing
from orchestrations.api.errors import NOTIFICATION, Invalid, NotFound
from orchestrations.api.fields import Fields
from orchestrations.api.operations import operation
from orchestrations.api.storage_schemas import (
    COMPONENT,
    CONFIGURATION,
    FIELDS,
    NEW_SUBSCRIPTION,
    OPERATORS,
    OVERTIME,
    SUBSCRIPTION,
)
from orchestrations.api.wire import Answer, Call, endpoint, has_no_nul, moment, number_of
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib import moments
from orchestrations.lib.openapi import list_of, one_of
from orchestrations.models import Channel, Configuration, EventType, Role, Subscription
from orchestrations.subscribing import InvalidSubscription, Wanted


@operation("List subscriptions", {200: list_of(SUBSCRIPTION)}, query={"event": one_of(EventType.values)})
def _list(call: Call) -> Any:
    access.require(call.actor, call.project, Role.VIEWER)
    rows = _of(call)
    if call.query.given("event"):
        rows = rows.filter(event=call.query.choice("event", "", EventType.values))
    return [_shown(row) for row in rows.order_by("pk")]


@operation(
    "Subscribe an address to an event",
    {201: SUBSCRIPTION},
    body=NEW_SUBSCRIPTION,
    description="The answer for a webhook has the secret of its signatures, this once.",
)
def _create(call: Call) -> Any:
    access.require(call.actor, call.project, Role.EDITOR)
    filters = _filters(call.body)
    configuration = _configuration(call, filters)
    try:
        created = subscribing.subscribe(
            call.project, configuration, _wanted(call, filters), actor=call.actor, now=call.now
        )
    except InvalidSubscription as error:
        raise Invalid(error.field, error.message) from error
    shown = _shown(created)
    if created.channel == Channel.WEBHOOK:
        # The one answer that names it: what the receiver checks signatures with.
        shown["recipient"]["secret"] = subscribing.secret_of(created)
    return Answer(shown, 201)


@operation("Show a subscription", {200: SUBSCRIPTION})
def _show(call: Call, subscription_id: str) -> Any:
    access.require(call.actor, call.project, Role.VIEWER)
    return _shown(_find(call, subscription_id))


@operation("End a subscription", {204: None})
def _delete(call: Call, subscription_id: str) -> Any:
    subscribing.unsubscribe(_find(call, subscription_id), actor=call.actor)
    return Answer(None)


def _of(call: Call) -> Any:
    return Subscription.objects.filter(project=call.project).select_related("configuration", "project")


def _find(call: Call, subscription_id: str) -> Subscription:
    found: Subscription | None = _of(call).filter(pk=number_of(subscription_id)).first()
    if found is None:
        raise NotFound(f"There is no subscription {subscription_id!r} in this project.")
    return found


def _filters(body: Fields) -> dict[str, str]:
    """By field. Raises Invalid."""
    given = body.values.get("filters") or []
    if not isinstance(given, list):
        raise Invalid("filters", "expected a list.")
    found: dict[str, str] = {}
    for place, each in enumerate(given):
        if not isinstance(each, dict):
            raise Invalid(f"filters[{place}]", "expected an object.")
        one = Fields(each)
        field = one.choice("field", "", FIELDS)
        if one.text("operator", "==") not in OPERATORS:
            raise Invalid(f"filters[{place}].operator", f"expected one of {', '.join(sorted(OPERATORS))}.")
        value = each.get("value")
        found[field] = str(value) if isinstance(value, int | float) else one.text("value")
    return found


def _configuration(call: Call, filters: dict[str, str]) -> Configuration | None:
    key = filters.get(CONFIGURATION)
    if key is None:
        return None
    component_id = filters.get(COMPONENT, ORCHESTRATOR)
    known = Configuration.objects.in_project(call.project).live().filter(component_id=component_id, key=key)
    found: Configuration | None = known.first() if has_no_nul(key) else None
    if found is None:
        raise NotFound(f"There is no configuration {key!r} of {component_id} in this project.")
    return found


def _wanted(call: Call, filters: dict[str, str]) -> Wanted:
    recipient = Fields(call.body.object("recipient"))
    return Wanted(
        event=call.body.text("event"),
        channel=recipient.text("channel"),
        address=recipient.text("address", most=1000).strip() or recipient.text("url", most=1000),
        overtime_percent=_percent(filters.get(OVERTIME)),
        component_id="" if CONFIGURATION in filters else filters.get(COMPONENT, ""),
        expires_at=_moment(call.body, call.now),
    )


def _percent(text: str | None) -> int | None:
    """0.2 is 20 %."""
    if text is None:
        return None
    try:
        return round(float(text) * 100)
    except (ValueError, OverflowError) as error:
        raise Invalid(OVERTIME, "expected a number, as in 0.2 for 20 %.") from error


def _moment(body: Fields, now: datetime) -> datetime | None:
    text = body.text("expiresAt")
    try:
        return moments.parse(text, now) if text else None
    except moments.InvalidMoment as error:
        raise Invalid("expiresAt", str(error)) from error


def _shown(row: Subscription) -> dict[str, Any]:
    filters: list[dict[str, Any]] = []
    if row.configuration is not None:
        filters.append({"field": COMPONENT, "operator": "==", "value": row.configuration.component_id})
        filters.append({"field": CONFIGURATION, "operator": "==", "value": row.configuration.key})
    elif row.component_id:
        filters.append({"field": COMPONENT, "operator": "==", "value": row.component_id})
    if row.overtime_percent is not None:
        filters.append({"field": OVERTIME, "operator": ">=", "value": row.overtime_percent / 100})
    address = {"url": row.address} if row.channel == Channel.WEBHOOK else {"address": row.address}
    return {
        "id": str(row.pk),
        "event": row.event,
        "filters": filters,
        "recipient": {"channel": row.channel, **address},
        "expiresAt": moment(row.expires_at),
        "createdTime": moment(row.created_at),
        "creator": row.created_with,
    }


subscriptions = endpoint(NOTIFICATION, get=_list, post=_create)
subscription = endpoint(NOTIFICATION, get=_show, delete=_delete)
