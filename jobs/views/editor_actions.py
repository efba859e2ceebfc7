"""What the buttons of the editor do to its sheet: each gives the new sheet and a sentence to be spoken."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace

from django.http import QueryDict

from jobs.queries.editor import flow_of, heading_of
from jobs.queries.rows import component_of
from jobs.views.editor_sheet import Sheet
from orchestrations import arranging, drafts
from orchestrations.components.catalogue import ComponentKind
from orchestrations.drafts import Refused
from orchestrations.models import Project

Answer = tuple[Sheet, str]
Action = Callable[..., Answer]


def perform(verb: str, arguments: list[str], sheet: Sheet, form: QueryDict) -> Answer:
    """Raises Refused; an action that does not exist, or lacks its arguments, changes nothing."""
    if verb in OF_THE_FORM:
        return OF_THE_FORM[verb](sheet, form)
    action, count = OF_ONE.get(verb, (_keep, 0))
    return action(sheet, *arguments) if len(arguments) == count else _keep(sheet)


def _keep(sheet: Sheet) -> Answer:
    return sheet, ""


# --- On one phase or task -----------------------------------------------------------------------


def _step_task(step: int) -> Action:
    def act(sheet: Sheet, key: str) -> Answer:
        return _moved(sheet.with_draft(drafts.step_task(sheet.draft, key, step)), key)

    return act


def _move_task(sheet: Sheet, key: str, phase: str, place: str) -> Answer:
    return _moved(sheet.with_draft(drafts.move_tasks(sheet.draft, [key], phase, _number(place))), key)


def _moved(sheet: Sheet, key: str) -> Answer:
    phase, place = sheet.draft.place_of_task(key)
    within = sheet.draft.phases[phase]
    # A task that has gone into a folded phase would have vanished before the person's eyes.
    sheet = replace(sheet, collapsed=sheet.collapsed - {within.key})
    return sheet, f"Task {place + 1} of {len(within.tasks)} in {within.name}."


def _step_phase(step: int) -> Action:
    def act(sheet: Sheet, key: str) -> Answer:
        return _moved_phase(sheet.with_draft(drafts.step_phase(sheet.draft, key, step)), key)

    return act


def _move_phase(sheet: Sheet, key: str, place: str) -> Answer:
    return _moved_phase(sheet.with_draft(drafts.move_phase(sheet.draft, key, _number(place))), key)


def _moved_phase(sheet: Sheet, key: str) -> Answer:
    place = sheet.draft.place_of_phase(key)
    return sheet, f"{sheet.draft.phases[place].name} is phase {place + 1} of {len(sheet.draft.phases)}."


def _delete_task(sheet: Sheet, key: str) -> Answer:
    phase, _ = sheet.draft.place_of_task(key)
    return sheet.with_draft(drafts.remove(sheet.draft, [key])), f"Task deleted from {sheet.draft.phases[phase].name}."


def _delete_phase(sheet: Sheet, key: str) -> Answer:
    name = sheet.draft.phase(key).name
    return sheet.with_draft(drafts.remove(sheet.draft, [], [key])), f"Phase {name} deleted."


def _collapse(sheet: Sheet, key: str) -> Answer:
    return replace(sheet, collapsed=sheet.collapsed | {key}), f"{sheet.draft.phase(key).name} collapsed."


def _expand(sheet: Sheet, key: str) -> Answer:
    return replace(sheet, collapsed=sheet.collapsed - {key}), f"{sheet.draft.phase(key).name} expanded."


def _add_task(sheet: Sheet, phase: str, component_id: str, configuration_key: str) -> Answer:
    draft = drafts.add_task(sheet.draft, phase, new_key("task"), component_id, configuration_key)
    sheet = replace(sheet, draft=draft, collapsed=sheet.collapsed - {phase})
    within = draft.phase(phase)
    tasks = "1 task" if len(within.tasks) == 1 else f"{len(within.tasks)} tasks"
    return sheet, f"Task added: {within.name} has {tasks}."


# --- On what is marked, and on everything -------------------------------------------------------


def _new_phase(sheet: Sheet, form: QueryDict) -> Answer:
    return sheet.with_draft(drafts.add_phase(sheet.draft, new_key("phase"))), "Phase added at the end."


def _merge(sheet: Sheet, form: QueryDict) -> Answer:
    draft = drafts.merge_phases(sheet.draft, sheet.chosen_phases)
    first = next(phase for phase in draft.phases if phase.key in sheet.chosen_phases)
    return replace(
        sheet, draft=draft, chosen_phases=frozenset()
    ), f"{len(sheet.chosen_phases)} phases merged into {first.name}."


def _move_chosen(sheet: Sheet, form: QueryDict) -> Answer:
    """Into the phase that was picked, or into a new one whose name was typed."""
    draft, target, name = sheet.draft, form.get("target", ""), form.get("new-phase", "").strip()
    if not sheet.chosen_tasks:
        raise Refused("Select the tasks to move.")
    if name:
        target = new_key("phase")
        draft = drafts.add_phase(draft, target, name)
    if not target:
        raise Refused("Pick the phase to move the tasks to, or type the name of a new one.")
    draft = drafts.move_tasks(draft, sheet.chosen_tasks, target)
    said = f"Moved to {draft.phase(target).name}."
    return replace(sheet, draft=draft, chosen_tasks=frozenset(), collapsed=sheet.collapsed - {target}), said


def _group(sheet: Sheet, form: QueryDict) -> Answer:
    kinds: Mapping[str, ComponentKind] = {
        task.component_id: ComponentKind(component_of(task.component_id)[1]) for task in sheet.draft.tasks
    }
    order = [heading_of(kind) for kind in ComponentKind]
    headings = {component_id: heading_of(kind) for component_id, kind in kinds.items()}
    draft = drafts.group_tasks(sheet.draft, headings, order, {heading: new_key("phase") for heading in order})
    return replace(sheet, draft=draft, collapsed=frozenset()), f"Grouped into {len(draft.phases)} phases."


def arrange(sheet: Sheet, project: Project) -> Answer:
    """Each task after the tasks whose tables it reads. Raises Refused when they wait for each other."""
    tables, names = flow_of(sheet.draft, project=project)
    draft = arranging.arrange(sheet.draft, tables, names=names, new_key=lambda: new_key("phase"))
    if draft == sheet.draft:
        return sheet, "Every task stands after the tasks whose tables it reads already."
    old, new = ({task.key: phase.key for phase in each.phases for task in phase.tasks} for each in (sheet.draft, draft))
    moved = sum(new[key] != phase for key, phase in old.items())
    tasks = "1 task was moved" if moved == 1 else f"{moved} tasks were moved" if moved else "Phases were moved"
    return replace(sheet, draft=draft, collapsed=frozenset()), f"Arranged by data: {tasks}."


def _delete_chosen(sheet: Sheet, form: QueryDict) -> Answer:
    draft = drafts.remove(sheet.draft, sheet.chosen_tasks, sheet.chosen_phases)
    gone = len(sheet.draft.tasks) - len(draft.tasks)
    sheet = replace(sheet, draft=draft, chosen_tasks=frozenset(), chosen_phases=frozenset())
    return sheet, f"{gone} task{'' if gone == 1 else 's'} deleted."


def _collapse_all(sheet: Sheet, form: QueryDict) -> Answer:
    return replace(sheet, collapsed=frozenset(phase.key for phase in sheet.draft.phases)), "All phases collapsed."


def _expand_all(sheet: Sheet, form: QueryDict) -> Answer:
    return replace(sheet, collapsed=frozenset()), "All phases expanded."


def new_key(noun: str) -> str:
    """Never used before: a retry finds the tasks of an old run by their ids."""
    return f"{noun}-{secrets.token_hex(4)}"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


OF_ONE: dict[str, tuple[Action, int]] = {
    "move-up": (_step_task(-1), 1),
    "move-down": (_step_task(1), 1),
    "move": (_move_task, 3),
    "phase-up": (_step_phase(-1), 1),
    "phase-down": (_step_phase(1), 1),
    "move-phase": (_move_phase, 2),
    "delete": (_delete_task, 1),
    "delete-phase": (_delete_phase, 1),
    "collapse": (_collapse, 1),
    "expand": (_expand, 1),
    "add": (_add_task, 3),
}
OF_THE_FORM: dict[str, Callable[[Sheet, QueryDict], Answer]] = {
    "new-phase": _new_phase,
    "merge": _merge,
    "move-chosen": _move_chosen,
    "group": _group,
    "delete-chosen": _delete_chosen,
    "collapse-all": _collapse_all,
    "expand-all": _expand_all,
}
