"""Orchestrations as files: download one, bring one in."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from orchestrations import transfer
from orchestrations.lib import json_api
from orchestrations.lib.htmx import go_to, wants_fragment
from orchestrations.models import Role
from orchestrations.transfer import InvalidImport
from orchestrations.views.creating import after_creation, find_orchestration
from orchestrations.views.members import MemberRequest, for_members

MOST_SECRETS = 5


@require_safe
@for_members()
def export(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    orchestration = find_orchestration(request, orchestration_id)
    text = json.dumps(transfer.export(orchestration), indent=2, ensure_ascii=False)
    name = slugify(orchestration.name) or f"orchestration-{orchestration.pk}"
    return HttpResponse(
        f"{text}\n",
        content_type="application/json; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name[:80]}.json"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def import_file(request: MemberRequest) -> HttpResponse:
    """POST file=<upload> or text=<JSON>, and name="" for the name in the file."""
    if request.method != "POST":
        return _form(request, {})
    typed = {"name": request.POST.get("name", ""), "text": request.POST.get("text", "")}
    member = request.member
    try:
        file = transfer.read(json_api.parse_object(_given(request), limit_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
        done = transfer.import_file(
            member.project, file, name=typed["name"].strip(), actor=member.actor, now=member.now
        )
    except (InvalidImport, json_api.InvalidJson) as error:
        return _form(request, typed, error=str(error))
    messages.success(request, _words(done))
    if done.secrets:
        messages.warning(request, f"Enter these secrets again: {_some(done.secrets)}.")
    return go_to(request, after_creation(done.orchestration, to_tasks=False))


def _given(request: MemberRequest) -> bytes | str:
    upload = request.FILES.get("file")
    if upload is None:
        text: str = request.POST.get("text", "")
        if not text.strip():
            raise InvalidImport("Choose a file, or paste what is in it.")
        return text
    if upload.size is None or upload.size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise InvalidImport(f"The file is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.")
    content: bytes = upload.read()
    return content


def _words(done: transfer.Imported) -> str:
    count = len(done.created)
    made = f" {count} configuration{'' if count == 1 else 's'} created for its tasks." if count else ""
    return f"{done.orchestration.name} imported.{made}"


def _some(paths: list[str]) -> str:
    more = len(paths) - MOST_SECRETS
    return ", ".join(paths[:MOST_SECRETS]) + (f" and {more} more" if more > 0 else "")


def _form(request: MemberRequest, typed: dict[str, Any], error: str = "") -> HttpResponse:
    list_url = reverse("orchestrations", args=[request.member.project.pk])
    context = {"fragment": wants_fragment(request), "list_url": list_url, "action_url": request.path, **typed}
    status = 422 if error else 200
    return render(request, "orchestrations/orchestration_import_form.html", {**context, "error": error}, status=status)
