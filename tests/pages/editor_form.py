"""The form of the editor of tasks as a browser without JavaScript fills and sends it."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from orchestrations.models import Configuration


class Form(HTMLParser):
    """The fields of the editor's form as a browser would send them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.actions: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "form":
            self.inside = found.get("id") == "editor-form"
        if not self.inside or not found.get("name"):
            return
        name, value = str(found["name"]), found.get("value") or ""
        if tag == "button":
            self.actions.append(value)
        elif tag == "input" and (found.get("type") != "checkbox" or "checked" in found):
            self.fields.append((name, value))


def address(orchestration: Configuration) -> str:
    return reverse("orchestration-tasks", args=[orchestration.project_id, orchestration.pk])


def open_editor(client: Client, orchestration: Configuration) -> HttpResponse:
    return client.get(address(orchestration))  # type: ignore[return-value]


def press(
    client: Client,
    response: Any,
    action: str,
    *,
    add: dict[str, str] | None = None,
    without: tuple[str, str] | None = None,
    to: str = "",
    headers: dict[str, str] | None = None,
) -> Any:
    """Press a button of the page, or one that dragging makes, with fields added to or left out of its form."""
    fields = [field for field in Form(response.text).fields if field != without]
    data: dict[str, list[str]] = {}
    for name, value in [*fields, *(add or {}).items(), ("action", action)]:
        data.setdefault(name, []).append(value)
    data |= {name: [value] for name, value in (add or {}).items() if name.startswith("name:")}
    return client.post(to or response.request["PATH_INFO"], data, headers=headers or {})


def plan_in(response: Any) -> list[tuple[str, list[str]]]:
    draft = dict(Form(response.text).fields)["draft"]
    document = json.loads(draft)
    return [
        (phase["name"], [each["id"] for each in document["tasks"] if each["phase"] == phase["id"]])
        for phase in document["phases"]
    ]


def saved(orchestration: Configuration) -> list[tuple[str, list[str]]]:
    orchestration.refresh_from_db()
    document = orchestration.document
    return [
        (phase["name"], [each["id"] for each in document["tasks"] if each["phase"] == phase["id"]])
        for phase in document["phases"]
    ]


def words(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.text)).split())
