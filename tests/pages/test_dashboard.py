"""The dashboard: what runs and waits and why, what failed since yesterday, how the workers are; and the search."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs import launching
from jobs.models import Cluster, Job
from jobs.queries import jobs as job_queries
from jobs.queries.dashboard import yesterday
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.access import Actor
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import task
from tests.pages.rows import build_child, build_job
from tests.pages.world import World, build_database

pytestmark = pytest.mark.django_db

MANY = 15


def look(client: Client, project: Project) -> str:
    return client.get(reverse("dashboard", args=[project.pk])).text


def row(page: str, id: str) -> str:
    """The words of a row, without its marks."""
    found = re.search(rf'<tr id="{id}">(.*?)</tr>', page, re.DOTALL)
    assert found, f"there is no row {id}"
    return " ".join(re.sub(r"<[^>]+>", " ", found.group(1)).split())


@pytest.fixture
def component(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Orders")


def build_machine(name: str, seconds_ago: float, workers: int = 4) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Cluster.objects.create(owner=name, host=name, workers=workers, started_at=at, heartbeat_at=at)


def test_a_waiting_job_says_why(component: Configuration, project: Project, alice: User, as_alice: Client) -> None:
    running = build_job(component, JobStatus.PROCESSING, created_by=alice)
    waiting = build_job(component, JobStatus.WAITING, created_by=alice)

    page = look(as_alice, project)

    assert f"Job {running.pk} of the same configuration is processing since" in row(page, f"now-{waiting.pk}")
    assert reverse("job", args=[project.pk, running.pk]) in page
    assert "Processing" in row(page, f"now-{running.pk}")


def test_a_run_says_how_far_it_is(component: Configuration, project: Project, as_alice: Client) -> None:
    run = build_job(builders.build_orchestration(project, [task(component)]), JobStatus.PROCESSING)
    build_child(run, component, "task-1", JobStatus.PROCESSING)

    assert "Orders is running" in row(look(as_alice, project), f"now-{run.pk}")


def test_a_run_whose_tasks_all_wait_says_for_what(component: Configuration, project: Project, as_alice: Client) -> None:
    run = build_job(builders.build_orchestration(project, [task(component)]), JobStatus.PROCESSING)
    build_child(run, component, "task-1", JobStatus.WAITING)

    assert "Orders waits: No worker is alive" in row(look(as_alice, project), f"now-{run.pk}")


def test_a_task_has_no_row_of_its_own(world: World, as_alice: Client) -> None:
    assert f'id="now-{world.child.pk}"' not in look(as_alice, world.project)


@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        ("UTC", datetime(2026, 3, 29, tzinfo=UTC)),
        ("Europe/Prague", datetime(2026, 3, 28, 23, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 28, 4, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 3, 28, 10, tzinfo=UTC)),
    ],
)
def test_yesterday_begins_at_midnight_of_the_viewer(zone: str, begin: datetime) -> None:
    """Clocks went forward in Prague on that 29 March."""
    assert yesterday(datetime(2026, 3, 30, 2, 30, tzinfo=UTC), ZoneInfo(zone)) == begin


def test_failures_are_those_since_yesterday(component: Configuration, project: Project, as_alice: Client) -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        before, since = (
            build_job(component, JobStatus.ERROR, created_at=now.replace(hour=0) - timedelta(days=1, minutes=minutes))
            for minutes in (2, 0)
        )
        warned = build_job(component, JobStatus.WARNING, message="214 rows have no price.")
        fine = [build_job(component, status) for status in (JobStatus.SUCCESS, JobStatus.TERMINATED)]

        as_alice.force_login(builders.admin_of(project).user or User())
        page = look(as_alice, project)

    assert "Error" in row(page, f"failed-{since.pk}")
    assert "214 rows have no price." in row(page, f"failed-{warned.pk}")
    assert not any(f'id="failed-{job.pk}"' in page for job in [before, *fine])


def test_a_connection_test_runs_and_fails_where_it_was_asked_for_alone(project: Project, as_alice: Client) -> None:
    """… the retry of one, too. It takes a slot all the same, and so counts for the limit."""
    database = build_database(project)
    as_alice.post(reverse("configuration-test", args=[project.pk, database.pk]))
    test = Job.objects.get()
    waiting = look(as_alice, project)
    _end(test, JobStatus.ERROR)
    retried = launching.retry(test, actor=builders.admin_of(project), now=timezone.now())
    taken = {"owner": "here", "fence": "f", "lease_until": timezone.now() + timedelta(days=1)}
    Job.objects.filter(pk=retried.pk).update(status=JobStatus.PROCESSING, **taken)
    processing = look(as_alice, project)
    _end(retried, JobStatus.ERROR)
    failed_run = build_job(database, JobStatus.ERROR)

    failed = look(as_alice, project)

    for page in (waiting, processing):
        assert "Nothing has run here yet" in page
        assert not re.search(r"\d+ processing, \d+ waiting", page)
    assert job_queries.counts(project) == {"processing": 0, "waiting": 0, "slots": 0}
    assert "1 of 10 parallel jobs of this project run." in processing
    assert re.findall(r'<tr id="((?:now|failed)-\d+)"', waiting + processing + failed) == [f"failed-{failed_run.pk}"]


def _end(job: Job, status: JobStatus) -> None:
    at = timezone.now()
    Job.objects.filter(pk=job.pk).update(
        status=status, started_at=at, finished_at=at, owner="", fence="", lease_until=None
    )
    job.refresh_from_db()


def test_machines_say_how_busy_they_are_and_since_when_they_are_silent(
    component: Configuration, project: Project, as_alice: Client
) -> None:
    build_machine("quick", 1)
    build_machine("gone", 3600)
    job = build_job(component, JobStatus.PROCESSING)
    job.owner = "quick"
    job.save(update_fields=["owner"])

    page = " ".join(re.sub(r"<[^>]+>", " ", look(as_alice, project)).split())

    assert "3 of 4 workers free 1 of 10 parallel jobs of this project run." in page
    assert "quick 1 of 4 busy gone Silent since" in page


def test_a_fresh_project_says_what_to_do_first(project: Project, as_alice: Client) -> None:
    fresh = look(as_alice, project)
    build_job(builders.build_configuration(project))

    later = look(as_alice, project)

    assert "Nothing has run here yet" in fresh
    assert "Nothing has run here yet" not in later
    assert "Nothing runs" in later
    assert "Nothing failed" in later


def test_what_is_done_of_the_first_steps_is_checked_and_the_next_one_leads_on(
    project: Project, as_alice: Client
) -> None:
    configuration = builders.build_configuration(project)
    with_one = look(as_alice, project)
    builders.build_orchestration(project, [builders.task(configuration)])

    with_both = look(as_alice, project)

    assert (with_one.count("data-done"), with_both.count("data-done")) == (1, 2)
    assert ("step-orchestration" in with_one, "step-orchestration" in with_both) == (True, False)
    assert f'href="{reverse("orchestrations", args=[project.pk])}" id="step-run"' in with_both


def test_it_asks_less_often_while_nothing_runs(component: Configuration, project: Project, as_alice: Client) -> None:
    idle = look(as_alice, project)
    build_job(component, JobStatus.WAITING)

    assert 'hx-trigger="refresh from:body throttle:5s"' in idle
    assert 'hx-trigger="refresh from:body"' in look(as_alice, project)


def test_the_start_page_is_the_dashboard(project: Project, as_alice: Client) -> None:
    assert as_alice.get("/")["Location"] == reverse("dashboard", args=[project.pk])


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "tick"])
def test_the_number_of_queries_is_constant(
    headers: dict[str, str], project: Project, alice: User, as_alice: Client
) -> None:
    def add(count: int) -> None:
        for _ in range(count):
            component = builders.build_configuration(project)
            run = build_job(builders.build_orchestration(project, [task(component)]), JobStatus.PROCESSING)
            build_child(run, component, "one", JobStatus.WAITING)
            build_job(component, JobStatus.WAITING, created_by=alice)
            build_job(component, JobStatus.ERROR, message="No.")
            build_machine(f"machine-{component.pk}", 1)

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert as_alice.get(reverse("dashboard", args=[project.pk]), headers=headers).status_code == 200
        texts = "\n".join(query["sql"] for query in captured)
        assert 'jobs_job"."request' not in texts
        return len(captured)

    add(2)
    of_few = count()
    add(MANY)

    assert count() <= of_few <= 32


# --- Search ------------------------------------------------------------------------------------


def found(client: Client, project: Project, text: str, **headers: str) -> str:
    return client.get(reverse("search", args=[project.pk]), {"q": text}, headers=headers).text


def test_it_finds_by_a_part_of_a_name(world: World, as_alice: Client) -> None:
    page = found(as_alice, world.project, "SALES")

    assert reverse("orchestration", args=[world.project.pk, world.orchestration.pk]) in page
    assert reverse("job", args=[world.project.pk, world.waiting_run.pk]) in page, "its last job"
    assert "Publish" not in page


@pytest.mark.parametrize("mark", ["", "#"])
def test_it_finds_a_job_by_its_number(mark: str, world: World, as_alice: Client) -> None:
    page = found(as_alice, world.project, f"{mark}{world.failed_run.pk}")

    assert reverse("job", args=[world.project.pk, world.failed_run.pk]) in page


@pytest.mark.parametrize("text", ["zzz", "%", "9" * 30, "'; --", "\x00"])
def test_what_is_not_there_is_said_with_a_way_back(text: str, world: World, as_alice: Client) -> None:
    page = found(as_alice, world.project, text)

    assert "Nothing is called or numbered" in page or "Type at least 2 letters" in page or "Nothing searched" in page


def test_it_finds_nothing_of_other_projects_nor_in_the_trash(world: World, alice: User, as_alice: Client) -> None:
    other = builders.build_project(alice, "Other")
    theirs = build_job(builders.build_configuration(other, name="Sales elsewhere"))
    editing.trash(world.orchestration, actor=Actor(user=alice), now=timezone.now())

    page = found(as_alice, world.project, "sales")

    assert "Sales elsewhere" not in page
    assert "Daily Sales Refresh" not in page
    assert f"#{theirs.pk}<" not in found(as_alice, world.project, str(theirs.pk))


def test_the_box_of_the_top_bar_gets_the_list_alone(world: World, as_alice: Client) -> None:
    part = found(as_alice, world.project, "sales", **{"HX-Request": "true"})

    assert part.lstrip().startswith('<div class="found" id="search-results" data-announce="2 found">')
    assert "topbar" not in part


def test_the_next_starts_of_what_is_on_stand_there_in_their_order(
    component: Configuration, project: Project, alice: User, as_alice: Client
) -> None:
    now = timezone.now()
    elsewhere = builders.build_project(alice, name="Elsewhere")
    made = {
        name: builders.build_orchestration(project, [task(component)], name=name)
        for name in ("Late", "Soon", "Later", "Disabled", "Off", "Binned")
    }
    made["Foreign"] = builders.build_orchestration(
        elsewhere, [task(builders.build_configuration(elsewhere))], name="Foreign"
    )
    for name, minutes in (
        ("Late", -9),
        ("Soon", 5),
        ("Soon", 6),
        ("Later", 90),
        ("Disabled", 1),
        ("Binned", 1),
        ("Foreign", 1),
    ):
        builders.build_schedule(made[name], next_run_at=now + timedelta(minutes=minutes))
    builders.build_schedule(made["Off"], is_enabled=False)
    Configuration.objects.filter(pk=made["Disabled"].pk).update(is_disabled=True)
    editing.trash(made["Binned"], actor=builders.admin_of(project), now=now)

    page = look(as_alice, project)

    listed = page.split('class="list nextlist"')[1].split("</ul>")[0]
    assert re.findall(r'id="next-\d+">([^<]+)<', listed) == ["Late", "Soon", "Later"]
    assert listed.count("Held since") == 1
    assert reverse("next-starts", args=[project.pk]) in page


def test_who_paused_a_project_is_known_and_its_settings_have_the_switch(
    project: Project, as_alice: Client, as_oscar: Client
) -> None:
    address = reverse("project-pause", args=[project.pk])
    settings = reverse("project-settings", args=[project.pk])
    before = as_alice.get(settings).text

    for person, paused in ((as_oscar, "1"), (as_alice, "1")):
        person.post(address, {"paused": paused})
    asked, after = as_alice.get(address).text, as_alice.get(settings).text
    for _ in range(2):
        as_alice.post(address, {"paused": "0"})

    history = LogEntry.objects.filter(object_id=str(project.pk)).order_by("pk")
    assert [(str(each.user), each.change_message) for each in history] == [
        ("Oscar", "Project paused."),
        ("Alice", "Project resumed."),
    ]
    assert ", by Oscar." in asked
    assert address in before and "Pause project" in before and "Resume project" in after


def test_one_with_very_many_schedules_hides_no_other_start(
    component: Configuration, project: Project, as_alice: Client
) -> None:
    now = timezone.now()
    busy, calm = (builders.build_orchestration(project, [task(component)], name=name) for name in ("Busy", "Calm"))
    for minutes in range(1, 41):
        builders.build_schedule(busy, f"{minutes} 1 * * *", next_run_at=now + timedelta(minutes=minutes))
    builders.build_schedule(calm, next_run_at=now + timedelta(hours=2))

    listed = look(as_alice, project).split('class="list nextlist"')[1].split("</ul>")[0]

    assert re.findall(r'id="next-\d+">([^<]+)<', listed) == ["Busy", "Calm"]
    assert "Every day at 01:01" in listed


def test_pausing_and_resuming_a_project_are_asked_for_and_said_on_every_page(
    component: Configuration, project: Project, as_alice: Client, as_oscar: Client, as_bob: Client
) -> None:
    address, jobs = reverse("project-pause", args=[project.pk]), reverse("jobs", args=[project.pk])
    assert address in look(as_oscar, project) and address not in look(as_bob, project)

    asked = as_oscar.get(address).text
    as_oscar.post(address, {"paused": "1"})
    held = build_job(component, JobStatus.WAITING)
    while_paused = {"operator": as_oscar.get(jobs).text, "viewer": as_bob.get(jobs).text}
    asked_back = as_oscar.get(address).text
    as_oscar.post(address, {"paused": "0"})

    assert "Nothing new starts until somebody resumes it" in asked
    assert all("The project is paused since" in page for page in while_paused.values())
    assert 'id="project-resume"' in while_paused["operator"] and 'id="project-resume"' not in while_paused["viewer"]
    assert "The project is paused" in row(while_paused["operator"], f"job-{held.pk}")
    assert "What waits starts now: 1 job." in asked_back
    assert "The project is paused" not in as_alice.get(jobs).text
