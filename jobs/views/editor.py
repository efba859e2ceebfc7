"""The editor of an orchestration's tasks. Every button posts the whole draft, and the answer is the editor with the
draft as it is then; only Save stores anything. With htmx the same answers come as fragments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from jobs.queries import editor as rows
from jobs.queries.selections import pretty
from jobs.views import editor_actions, editor_sheet
from jobs.views.answers import find_orchestration
from jobs.views.editor_sheet import Sheet
from orchestrations import drafting, drafts, queries
from orchestrations.comparing import compare_orchestrations
from orchestrations.drafts import Refused
from orchestrations.editing import InvalidConfiguration, StaleEdit
from orchestrations.lib.htmx import go_to, trigger_event, wants_fragment
from orchestrations.lib.secrets import mask_document
from orchestrations.models import Orchestration, Role
from orchestrations.views.members import MemberRequest, for_members

SLOT = "editor-slot"
"""The element that dialogs are put into; it stands in the form, so that they post the draft too."""


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def tasks(request: MemberRequest, orchestration_id: int) -> HttpResponse:
    orchestration = find_orchestration(request, orchestration_id)
    if request.method != "POST":
        return _show(request, orchestration, editor_sheet.fresh(orchestration))
    sheet = editor_sheet.posted(orchestration, request.POST)
    verb, *words = request.POST.get("action", "").split(":")
    arguments = [unquote(word) for word in words]
    try:
        if verb in DIALOGS and arguments:
            return DIALOGS[verb](request, orchestration, sheet, arguments[0])
        if verb == "arrange":
            sheet, said = editor_actions.arrange(sheet, orchestration.project)
        else:
            sheet, said = editor_actions.perform(verb, arguments, sheet, request.POST)
    except Refused as error:
        return _show(request, orchestration, sheet, error=str(error))
    if verb in SAVING:
        over = arguments[0] if arguments else ""
        return _save(request, orchestration, sheet, over=int(over) if over.isascii() and over.isdigit() else None)
    if verb == "add" and len(arguments) == 3:
        return _added(request, orchestration, sheet, arguments[0], said)
    return _show(request, orchestration, sheet, said=said)


# --- Saving ------------------------------------------------------------------------------------


def _save(request: MemberRequest, orchestration: Orchestration, sheet: Sheet, over: int | None) -> HttpResponse:
    member = request.member
    try:
        is_new = drafting.store(
            orchestration, sheet.draft, base=sheet.base, over=over, actor=member.actor, now=member.now
        )
    except StaleEdit:
        return _show(request, orchestration, sheet, stale=_stale(request, orchestration, sheet))
    except InvalidConfiguration as error:
        return _show(request, orchestration, sheet, error=str(error))
    messages.success(request, "Tasks saved." if is_new else "Nothing had been changed, so nothing was saved.")
    return go_to(request, reverse("orchestration", args=[member.project.pk, orchestration.pk]))


def _stale(request: MemberRequest, orchestration: Orchestration, sheet: Sheet) -> dict[str, Any]:
    """What others saved since the draft was begun, beside what the draft itself changes."""
    current = find_orchestration(request, orchestration.pk)
    base = mask_document(drafting.document_of(current, sheet.base))
    theirs, mine = mask_document(current.document), drafts.write(sheet.draft)
    return {
        "version": current.version,
        "saves": queries.changes_since(current, sheet.base),
        "theirs": _sentences(current, base, theirs),
        "mine": _sentences(current, base, mine),
    }


def _sentences(orchestration: Orchestration, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    keys = [str(each["task"].get("configId") or "") for side in (old, new) for each in side.get("tasks") or []]
    names = queries.names_of(orchestration.project, keys)
    return [change.sentence for change in compare_orchestrations(old, new, names=names)]


# --- The editor --------------------------------------------------------------------------------


def _show(
    request: MemberRequest,
    orchestration: Orchestration,
    sheet: Sheet,
    *,
    said: str = "",
    error: str = "",
    stale: dict[str, Any] | None = None,
) -> HttpResponse:
    context = {
        **_frame(request, orchestration, sheet),
        **_rows(orchestration, sheet),
        "announcement": error or said,
        "error": error,
        "new_phase": request.POST.get("new-phase", "") if error else "",
        "stale": stale,
    }
    template = "orchestrations/_editor.html" if wants_fragment(request) else "orchestrations/tasks_form.html"
    response = render(request, template, context, status=422 if error or stale else 200)
    return trigger_event(response, "dialog-close")


def _frame(request: MemberRequest, orchestration: Orchestration, sheet: Sheet) -> dict[str, Any]:
    address = [orchestration.project_id, orchestration.pk]
    return {
        "fragment": wants_fragment(request),
        "list_url": reverse("orchestrations", args=[orchestration.project_id]),
        "action_url": reverse("orchestration-tasks", args=address),
        "orchestration": {"name": orchestration.name, "url": reverse("orchestration", args=address)},
        "keep_as": f"tasks:{request.user.pk}:{orchestration.pk}",
        "base": sheet.base,
        "draft": sheet.text,
    }


def _rows(orchestration: Orchestration, sheet: Sheet) -> dict[str, Any]:
    base = mask_document(drafting.document_of(orchestration, sheet.base))
    phases = rows.phases_of(
        sheet.draft,
        project=orchestration.project,
        chosen_tasks=sheet.chosen_tasks,
        chosen_phases=sheet.chosen_phases,
        collapsed=sheet.collapsed,
    )
    return {
        "phases": phases,
        "changes": len(compare_orchestrations(base, drafts.write(sheet.draft))),
        "chosen_count": sum(task.is_chosen for phase in phases for task in phase.tasks),
    }


# --- Dialogs -----------------------------------------------------------------------------------


def _added(request: MemberRequest, orchestration: Orchestration, sheet: Sheet, phase: str, said: str) -> HttpResponse:
    """The catalogue stays open for more: with htmx beside the editor, otherwise the page is drawn again."""
    if not wants_fragment(request):
        return _choose(request, orchestration, sheet, phase, said=said)
    context = {**_frame(request, orchestration, sheet), **_rows(orchestration, sheet), "added": said}
    return render(request, "orchestrations/_editor.html", context)


def _choose(
    request: MemberRequest, orchestration: Orchestration, sheet: Sheet, key: str, said: str = ""
) -> HttpResponse:
    """ "+ New task": the catalogue; while its search box is typed into, the list alone."""
    phase = sheet.draft.phase(key)
    context = {
        **rows.offered(orchestration, request.POST.get("search", "")),
        "phase": {"slug": editor_sheet.slug(phase.key), "name": phase.name},
        "added": said,
    }
    if wants_fragment(request) and request.htmx.target == "catalogue":
        return render(request, "orchestrations/_catalogue_list.html", context)
    return _dialog(request, orchestration, sheet, "orchestrations/_task_catalogue.html", context)


def _parameters(request: MemberRequest, orchestration: Orchestration, sheet: Sheet, key: str) -> HttpResponse:
    task = sheet.draft.task(key)
    text = pretty(task.parameters) if task.parameters else ""
    return _parameters_form(request, orchestration, sheet, key, name=task.name, text=text)


def _apply(request: MemberRequest, orchestration: Orchestration, sheet: Sheet, key: str) -> HttpResponse:
    name, text = request.POST.get("task-name", ""), request.POST.get("parameters", "")
    try:
        draft = drafting.set_parameters(orchestration, sheet.draft, key, name, text)
    except Refused as error:
        return _parameters_form(request, orchestration, sheet, key, name=name, text=text, error=str(error))
    return _show(request, orchestration, sheet.with_draft(draft), said="Task parameters changed.")


def _parameters_form(
    request: MemberRequest,
    orchestration: Orchestration,
    sheet: Sheet,
    key: str,
    *,
    name: str,
    text: str,
    error: str = "",
) -> HttpResponse:
    context = {
        "task": rows.task_of(sheet.draft, key, project=orchestration.project),
        "name": name,
        "text": text,
        "error": error,
    }
    response = _dialog(request, orchestration, sheet, "orchestrations/_task_parameters.html", context)
    response.status_code = 422 if error else 200
    # Its button is aimed at the editor, which a refusal must leave alone.
    response["HX-Retarget"], response["HX-Reswap"] = f"#{SLOT}", "innerHTML"
    return response


def _dialog(
    request: MemberRequest, orchestration: Orchestration, sheet: Sheet, template: str, context: dict[str, Any]
) -> HttpResponse:
    whole = {**_frame(request, orchestration, sheet), **_kept(sheet), **context, "dialog": template}
    return render(request, template if wants_fragment(request) else "orchestrations/tasks_form.html", whole)


def _kept(sheet: Sheet) -> dict[str, Any]:
    """What the rows of the editor hold beside the draft, for a page on which they are not drawn."""
    kept = {"task": sheet.chosen_tasks, "phase": sheet.chosen_phases, "collapsed": sheet.collapsed}
    return {"kept": [(name, editor_sheet.slug(key)) for name, keys in kept.items() for key in sorted(keys)]}


DIALOGS = {"choose": _choose, "parameters": _parameters, "apply": _apply}
SAVING = {"save", "save-over"}
