"""One chaos run on one database, from the first start to the verdict. Needs Django set up (tests.chaos.run)."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from jobs import pruning
from jobs.models import Job
from scheduling import ticking, triggering
from scheduling.models import Schedule
from tests.chaos import evidence, judgement, processes, records, workload
from tests.chaos.evidence import Evidence
from tests.chaos.judgement import Verdict
from tests.chaos.killer import Killer
from tests.chaos.machines import Machine
from tests.chaos.proxy import Proxy
from tests.chaos.sampler import Sampler
from tests.chaos.users import Api, Meddler, Submitter, Updater, User, finish

ACCEPT_SECONDS = 90.0
SETTLE_SECONDS = 150.0
DUE_SECONDS = 30.0
GONE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    database: str
    seconds: float
    seed: int
    folder: Path


class Clock:
    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._last = time.monotonic()

    def note(self, part: str) -> None:
        now = time.monotonic()
        self.parts[part] = now - self._last
        self._last = now


def run(plan: Plan) -> Verdict:
    processes.adopt_orphans()
    ground = _sqlite(plan) if plan.database == "sqlite" else _postgresql(plan)
    work = workload.build(workload.write_process(plan.folder), random.Random(plan.seed))
    api = Api([machine.origin for machine in ground.machines], work.token)
    sampler = Sampler()
    users: list[User] = [Submitter(api, work, sampler, plan.seed + 1), Submitter(api, work, sampler, plan.seed + 2)]
    users += [Meddler(api, work, sampler, plan.seed + 3), Updater(api, work, sampler, plan.seed + 4)]
    killer = Killer(
        ground.machines,
        seed=plan.seed,
        freeze_seconds=settings.LEASE_SECONDS + 2,
        drop_connections=ground.drop_connections,
        remove_database=ground.remove_database,
    )
    killer.database_due = time.monotonic() + plan.seconds / 2
    for thread in (sampler, killer, *users):
        thread.start()
    time.sleep(plan.seconds)
    return _after(plan, killer, users, sampler, api)


def _after(plan: Plan, killer: Killer, users: list[User], sampler: Sampler, api: Api) -> Verdict:
    """Peace: everything settles, everything stops; then look."""
    clock = Clock()
    killer.done.set()
    finish(users, ACCEPT_SECONDS)
    clock.note("until all was accepted")
    overdue = _wait_until_nothing_is_due() + _wait_until_settled()
    clock.note("until all had settled")
    killer.stopped.set()
    killer.join()
    stop_problems = _stop(killer.machines)
    survivors = _wait_until_gone()
    clock.note("to stop")
    sampler.done.set()
    sampler.join()
    jobs, events = evidence.load()
    found = Evidence(
        jobs=jobs,
        events=events,
        records=records.read(plan.folder / "records"),
        users=users,
        api=api,
        sampler=sampler,
        killer=killer,
        overdue=overdue,
        stop_problems=stop_problems,
        survivors=survivors,
        folders=_folders_left(killer.machines),
        seconds=clock.parts,
    )
    return judgement.judge(plan.database, found)


# --- Databases ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Ground:
    machines: list[Machine]
    drop_connections: Callable[[], None] | None
    remove_database: Callable[[float], None]


def _postgresql(plan: Plan) -> Ground:
    """Two machines; their way to the database leads through the proxy, ours does not."""
    given = settings.DATABASES["default"]
    proxy = Proxy(given["HOST"] or "127.0.0.1", int(given["PORT"] or 5432))
    proxy.start()
    password = f":{given['PASSWORD']}" if given["PASSWORD"] else ""
    url = f"postgres://{given['USER']}{password}@127.0.0.1:{proxy.port}/{given['NAME']}"
    machines = [Machine(name, plan.folder / name, os.environ, url) for name in ("one", "two")]

    def remove(seconds: float) -> None:
        proxy.cut()
        time.sleep(seconds)
        proxy.restore()

    _start(machines)
    return Ground(machines=machines, drop_connections=proxy.drop, remove_database=remove)


def _sqlite(plan: Plan) -> Ground:
    """One machine; "gone" means that somebody holds the write lock."""
    machine = Machine("one", plan.folder / "one", os.environ, os.environ["DATABASE_URL"])

    def remove(seconds: float) -> None:
        holder = sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None, timeout=20)
        holder.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        holder.execute("ROLLBACK")
        holder.close()

    _start([machine])
    return Ground(machines=[machine], drop_connections=None, remove_database=remove)


def _start(machines: list[Machine]) -> None:
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.wait_until_ready()


# --- The end -----------------------------------------------------------------------------------


def _wait_until_nothing_is_due() -> list[str]:
    """Until all that was due has fired; then the schedules are switched off, else it would never end."""
    deadline = time.monotonic() + DUE_SECONDS
    while triggering.is_anything_pending() or (ticking.next_due() or timezone.now()) < timezone.now():
        if time.monotonic() > deadline:
            return [f"Something was still due {DUE_SECONDS:g} s after the last kill"]
        time.sleep(0.2)
    Schedule.objects.update(is_enabled=False, next_run_at=None)
    return []


def _wait_until_settled() -> list[str]:
    deadline = time.monotonic() + SETTLE_SECONDS
    while Job.objects.unsettled().exists():
        if time.monotonic() > deadline:
            return [f"{Job.objects.unsettled().count()} jobs were not settled within {SETTLE_SECONDS:g} s"]
        time.sleep(0.2)
    return []


def _stop(machines: list[Machine]) -> list[str]:
    for machine in machines:
        machine.ask_to_stop()
    return [problem for machine in machines if (problem := machine.wait_until_stopped())]


def _wait_until_gone() -> list[str]:
    """Descriptions of what is left below this process."""
    deadline = time.monotonic() + GONE_SECONDS
    while pids := processes.look().below(os.getpid()):
        if time.monotonic() > deadline:
            return [processes.describe(pid) for pid in pids]
        time.sleep(0.1)
    return []


def _folders_left(machines: list[Machine]) -> list[str]:
    """What is left after the pruning that removes what killed workers left behind."""
    left = []
    for machine in machines:
        with override_settings(DATA_DIR=machine.data):
            pruning.prune_folders(now=timezone.now() + timedelta(days=1))
            folder = machine.data / "jobs"
            left += [str(each) for each in folder.iterdir()] if folder.exists() else []
    connection.close()
    return left
