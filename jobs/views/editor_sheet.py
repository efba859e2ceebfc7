"""What the editor's form holds: the draft with everything that a person has marked, typed and folded.

Nothing is stored between two requests; the whole sheet travels in the form.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from django.core.exceptions import BadRequest
from django.http import QueryDict

from orchestrations import drafting, drafts, plans
from orchestrations.drafts import Draft
from orchestrations.lib import json_api
from orchestrations.models import Orchestration

NAME_OF = "name:"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """``base``: the version that the draft was made from."""

    base: int
    draft: Draft
    chosen_tasks: frozenset[str] = frozenset()
    chosen_phases: frozenset[str] = frozenset()
    collapsed: frozenset[str] = frozenset()

    def with_draft(self, draft: Draft) -> Sheet:
        return replace(self, draft=draft)

    @property
    def text(self) -> str:
        return json.dumps(drafts.write(self.draft, with_empty=True), ensure_ascii=False)


def fresh(orchestration: Orchestration) -> Sheet:
    draft = drafting.open_draft(orchestration, orchestration.version)
    if not draft.phases:
        draft = drafts.add_phase(draft, "phase-1")
    return Sheet(base=orchestration.version, draft=draft)


def posted(orchestration: Orchestration, form: QueryDict) -> Sheet:
    """The sheet as it came, what was typed into its fields taken into the draft. Raises BadRequest."""
    if "draft" not in form:
        return fresh(orchestration)
    try:
        draft = drafts.read(json_api.parse_object(str(form["draft"])))
        base = int(form.get("base", ""))
    except (json_api.InvalidJson, plans.InvalidPlan, ValueError) as error:
        raise BadRequest("The draft cannot be read: open the editor again.") from error
    names = {unquote(field.removeprefix(NAME_OF)): name for field, name in form.items() if field.startswith(NAME_OF)}
    draft = drafts.name_phases(draft, {key: str(name) for key, name in names.items()})
    draft = drafts.mark_tasks(draft, *(_keys(form, field) for field in ("shown", "active", "continues")))
    return Sheet(
        base=base,
        draft=draft,
        chosen_tasks=_keys(form, "task"),
        chosen_phases=_keys(form, "phase"),
        collapsed=_keys(form, "collapsed"),
    )


def slug(key: str) -> str:
    """An id as it stands in names and values of fields: without spaces, colons and whatever else it may hold."""
    return quote(key, safe="")


def _keys(form: QueryDict, field: str) -> frozenset[str]:
    return frozenset(unquote(value) for value in form.getlist(field))
