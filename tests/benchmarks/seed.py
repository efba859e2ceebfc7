"""Fills the database of DATABASE_URL with a long history, in bulk: no verb is called, nothing runs.

Usage: ``python -m tests.benchmarks.seed --jobs 1000000 --orchestrations 500 --events 5000``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestration_site.settings")
django.setup()

# Django must be set up before models can be imported.
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import Max  # noqa: E402
from django.utils import timezone  # noqa: E402

from jobs.models import Cause, Job, JobEvent, LogChunk  # noqa: E402
from jobs.states import JobStatus  # noqa: E402
from orchestrations.models import Configuration, Project, User  # noqa: E402
from tests import builders  # noqa: E402
from tests.builders import task  # noqa: E402
from tests.pages.rows import build_log  # noqa: E402
from tests.pages.world import World, build_world  # noqa: E402

TASKS = 4
"""A run and the jobs of its tasks lie beside one another."""
DAYS = 230
"""However many jobs there are, they lie in this time: a short history is as old as a long one, only thinner."""
STATUSES = [JobStatus.SUCCESS] * 96 + [JobStatus.ERROR, JobStatus.ERROR, JobStatus.WARNING, JobStatus.TERMINATED]
COMPONENTS = ["command"] * 199 + ["python-transformation"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--orchestrations", type=int, default=500)
    parser.add_argument("--events", type=int, default=5000, help="and log lines, of one job")
    options = parser.parse_args()
    started = time.monotonic()
    call_command("migrate", verbosity=0)
    world = prepare(options.orchestrations, options.events)
    fill(world.project, options.jobs)
    print(f"{Job.objects.count()} jobs after {time.monotonic() - started:.0f} s, project {world.project.pk}")
    return 0


def prepare(orchestrations: int, events: int) -> World:
    """The project of the page tests, with so many orchestrations besides, and so many events of one job."""
    alice = builders.build_user("alice@example.org", name="Alice")
    for name in ("Bob", "Oscar"):
        builders.build_user(f"{name.lower()}@example.org", name=name)
    project = builders.build_project(alice)
    with transaction.atomic():
        for number in range(orchestrations):
            component = builders.build_configuration(project, name=f"Table {number}")
            builders.build_orchestration(project, [task(component)], name=f"Load {number}")
    world = build_world(project, alice)
    _talk(world.child, events)
    return world


def _talk(job: Job, count: int) -> None:
    JobEvent.objects.bulk_create(
        JobEvent(job=job, at=job.created_at, kind="job.noted", message=f"Row {number}") for number in range(count)
    )
    LogChunk.objects.filter(job=job).delete()
    for sequence in range(count // 100):
        build_log(job, *(f"line {sequence * 100 + number}" for number in range(100)), sequence=sequence)


def empty(above: int) -> None:
    """Takes away what was filled in after this job."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
        else:
            cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute("DELETE FROM jobs_job WHERE id > %s", [above])


def last_job() -> int:
    last: int | None = Job.objects.aggregate(last=Max("pk"))["last"]
    return last or 0


def fill(project: Project, count: int) -> None:
    """So many more jobs, older than those that are there: their ids come after, their times before."""
    # What the rows need is read here: while a COPY runs, its connection answers nothing else.
    rows = _rows(project, last_job() + 1, count, *_made_of(project))
    columns = [str(field.column) for field in Job._meta.concrete_fields]
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Every row refers to rows that are there: nothing is to be checked.
            cursor.execute("SET session_replication_role = replica")
            with cursor.copy(f"COPY jobs_job ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row([row[column] for column in columns])
            cursor.execute("SELECT setval(pg_get_serial_sequence('jobs_job', 'id'), (SELECT max(id) FROM jobs_job))")
            cursor.execute("VACUUM ANALYZE")
        else:
            values = ", ".join("?" for _ in columns)
            given = ([_plain(row[column]) for column in columns] for row in rows)
            # Every row refers to rows that are there, and a database that is lost is filled again.
            cursor.execute("PRAGMA foreign_keys = OFF")
            cursor.execute("PRAGMA synchronous = OFF")
            cursor.execute("PRAGMA cache_size = -400000")
            cursor.execute("BEGIN")
            connection.connection.executemany(f"INSERT INTO jobs_job ({names}) VALUES ({values})", given)
            cursor.execute("COMMIT")


def _plain(value: Any) -> Any:
    return value.replace(tzinfo=None).isoformat(" ") if hasattr(value, "tzinfo") else value


def _made_of(project: Project) -> tuple[list[Configuration], list[Configuration], list[int]]:
    """Orchestrations, configurations and people, in turn."""
    named = Configuration.objects.filter(project=project).order_by("pk")
    return (
        list(named.filter(name__startswith="Load")),
        list(named.filter(name__startswith="Table")),
        list(User.objects.order_by("pk").values_list("pk", flat=True)),
    )


def _rows(
    project: Project,
    first: int,
    count: int,
    runs: list[Configuration],
    components: list[Configuration],
    people: list[int],
) -> Iterator[dict[str, Any]]:
    apart = timedelta(days=DAYS) / count
    beginning = timezone.now() - timedelta(days=DAYS, hours=1)
    blank: dict[str, Any] = {str(field.column): field.get_default() for field in Job._meta.concrete_fields}
    blank |= {
        "request": "{}",
        "result": "{}",
        "only_task_keys": None,
        "project_id": project.pk,
        "cause": Cause.SCHEDULE,
    }
    for number in range(count):
        group, place = divmod(number, TASKS + 1)
        configuration = (runs if place == 0 else components)[(group * TASKS + place) % len(runs)]
        root = first + number - place
        at = beginning + apart * number
        row = blank | {"id": first + number, "configuration_id": configuration.pk, "configuration_version": 1}
        row |= {"name": configuration.name, "component_id": configuration.component_id, "is_run": place == 0}
        row |= {"status": STATUSES[(group * 7 + place * 3) % len(STATUSES)].value, "attempt": 1}
        row |= {"created_at": at, "started_at": at, "finished_at": at + timedelta(seconds=5 + number % 55)}
        if place:
            row |= {"root_id": root, "parent_id": root, "parent_run_id": str(root), "task_key": f"task-{place}"}
            row["component_id"] = COMPONENTS[number % len(COMPONENTS)]
        if group % 50 == 0:
            row |= {"cause": Cause.PERSON.value, "created_by_id": people[group // 50 % len(people)]}
        yield row


if __name__ == "__main__":
    sys.exit(main())
