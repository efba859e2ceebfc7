"""What is run: configurations that several orchestrations share, so that they get in each other's way (R5)."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db.models import F
from django.utils import timezone

from orchestrations import editing, tokens
from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project
from scheduling import planning
from scheduling.models import CatchUp, Schedule
from tests.builders import admin_of, build_table, build_trigger, document, task

AGAIN = "chaos.again"
"""Like ``command``, but its jobs are safe to run again (components/again)."""
PARALLEL_JOBS = 6
WATCHED = "in.c-chaos.watched"
PLAIN_ORCHESTRATIONS = 9
POLICIES = (CatchUp.ALL, CatchUp.ALL, CatchUp.ALL, CatchUp.LAST, CatchUp.NONE)
"""Of the schedules, each of another orchestration."""
MISSED = timedelta(minutes=5)
"""So far back each schedule begins: it has something to make up for from the first second on."""
DURATIONS = (0.05, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 2.0)
BEHAVIOURS = ("plain", "plain", "plain", "child", "daemon")


@dataclass(frozen=True)
class Target:
    """What a submission names."""

    component_id: str
    key: str

    @property
    def is_orchestration(self) -> bool:
        return self.component_id == ORCHESTRATOR


@dataclass(frozen=True)
class Workload:
    project_id: int
    token: str
    targets: list[Target]


def first_due(schedule: Schedule) -> datetime:
    """The first moment that a schedule of this workload is to account for."""
    return schedule.created_at.replace(second=0, microsecond=0) + timedelta(minutes=1) - MISSED


def write_process(folder: Path) -> Path:
    """The program of the jobs; it records beside itself."""
    return Path(shutil.copy(Path(__file__).parent / "process.sh", folder / "process.sh"))


def build(process: Path, chance: random.Random) -> Workload:
    project = Project.objects.get()
    Project.objects.filter(pk=project.pk).update(parallel_jobs=PARALLEL_JOBS)
    builder = _Builder(project, process, chance)
    components = [builder.configuration(number) for number in range(20)]
    special = [builder.special("deaf", 0.2, 0), builder.special("plain", 0.1, 1), builder.special("plain", 6, 0)]
    plain = [builder.orchestration(number, components) for number in range(PLAIN_ORCHESTRATIONS)]
    plain += builder.special_orchestrations(components, special)
    inner = builder.orchestration(20, components, plain[0], plain[1])
    outer = builder.orchestration(21, components, inner, plain[2])
    # Nobody else starts it: a run by hand would keep the trigger cooling down for all of a short chaos (R16).
    builder.automate(plain, watching=builder.orchestration(22, components))
    _, token = tokens.create_personal(project, builder.user, description="Chaos", now=timezone.now())
    rows = [*plain, inner, outer, *components[::3]]
    return Workload(project.pk, token, [Target(row.component_id, row.key) for row in rows])


class _Builder:
    def __init__(self, project: Project, process: Path, chance: random.Random) -> None:
        self.project = project
        self.process = process
        self.chance = chance
        user = admin_of(project).user
        assert user is not None
        self.user = user

    def configuration(self, number: int) -> Configuration:
        component_id = AGAIN if number % 2 else "command"
        return self._process(
            f"c{number}", component_id, self.chance.choice(DURATIONS), self.chance.choice(BEHAVIOURS), 0
        )

    def special(self, behaviour: str, seconds: float, code: int) -> Configuration:
        return self._process(f"{behaviour} {seconds} {code}", "command", seconds, behaviour, code)

    def special_orchestrations(
        self, components: list[Configuration], special: list[Configuration]
    ) -> list[Configuration]:
        """One with a deaf task, one that fails, one with Continue on Failure, one with a long task."""
        deaf, failing, long = special
        ends: list[list[dict[str, Any]]] = [
            [task(deaf)],
            [task(failing), task(components[4])],
            [task(failing, continueOnFailure=True)],
            [task(long)],
        ]
        return [
            self._orchestration(f"s{number}", [task(components[number])], end, [task(components[number + 8])])
            for number, end in enumerate(ends)
        ]

    def orchestration(self, number: int, components: list[Configuration], *nested: Configuration) -> Configuration:
        phases = [
            [task(each, continueOnFailure=self.chance.random() < 0.2) for each in self._some(components)]
            for _ in range(self.chance.randint(2, 4))
        ]
        for each in nested:
            self.chance.choice(phases).append(task(each))
        return self._orchestration(f"o{number}", *phases)

    def automate(self, orchestrations: list[Configuration], watching: Configuration) -> None:
        """Some are due every minute; another one watches a table (updated by users.Updater)."""
        actor, now = Actor(user=self.user), timezone.now()
        for policy, orchestration in zip(POLICIES, orchestrations, strict=False):
            wanted = planning.Wanted(expression="* * * * *", catch_up=policy)
            schedule = planning.add(orchestration, wanted, actor=actor, now=now)
            Schedule.objects.filter(pk=schedule.pk).update(next_run_at=F("next_run_at") - MISSED)
        build_trigger(watching, build_table(self.project, WATCHED), cool_down_minutes=1)

    def _some(self, components: list[Configuration]) -> list[Configuration]:
        return self.chance.sample(components, self.chance.randint(1, 4))

    def _process(self, name: str, component_id: str, seconds: float, behaviour: str, code: int) -> Configuration:
        command = ["bash", str(self.process), str(seconds), behaviour, str(code)]
        return self._create(component_id, name, {"parameters": {"command": command}})

    def _orchestration(self, name: str, *phases: list[dict[str, Any]]) -> Configuration:
        return self._create(ORCHESTRATOR, name, document(*phases))

    def _create(self, component_id: str, name: str, content: dict[str, Any]) -> Configuration:
        given = Content(name=name, document=content)
        return editing.create(self.project, component_id, given, actor=Actor(user=self.user), now=timezone.now())
