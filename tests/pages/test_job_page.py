"""The page of a job: facts, tasks, live parts and log."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from jobs.models import Cause, Job, JobEvent
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import task
from tests.pages.rows import build_child, build_job, build_log
from tests.pages.world import World

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def address_of(job: Job) -> str:
    return reverse("job", args=[job.project_id, job.pk])


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    first, second = (builders.build_configuration(project, name=name) for name in ("Orders", "Customers"))
    last = builders.build_configuration(project, name="Publish")
    return builders.build_orchestration(
        project, [task(first, key="orders"), task(second, key="customers")], [task(last, key="publish")], name="Daily"
    )


@pytest.fixture
def run(orchestration: Configuration, alice: User) -> Job:
    return build_job(orchestration, JobStatus.PROCESSING, created_by=alice)


def child(run: Job, key: str, status: JobStatus) -> Job:
    configuration = Configuration.objects.get(used_by_tasks__orchestration=run.configuration_id, used_by_tasks__key=key)
    return build_child(run, configuration, key, status)


def test_a_settled_run_says_how_each_task_ended_and_which_was_not_executed(world: World, as_alice: Client) -> None:
    context = as_alice.get(address_of(world.failed_run)).context

    rows = [(phase.note, row.key, row.status, row.message) for phase in context["phases"] for row in phase.tasks]
    assert rows == [
        ("1 min 03 s", "orders", "success", ""),
        ("1 min 03 s", "broken", "error", "No such table."),
        ("not executed", "publish", "not-executed", ""),
    ]
    assert context["job"].message == "Task Broken ended in error: No such table."
    assert context["job"].live_url == ""


def test_a_run_on_its_way_says_what_a_later_phase_waits_for(run: Job, as_alice: Client) -> None:
    child(run, "orders", JobStatus.SUCCESS)
    child(run, "customers", JobStatus.PROCESSING)

    context = as_alice.get(address_of(run)).context

    assert [phase.note for phase in context["phases"]] == ["1 of 2 done", "starts after Phase 1"]
    assert context["job"].progress.words == "Customers is running"
    assert (context["job"].progress.done, context["job"].progress.total) == (1, 3)
    assert context["job"].announcement == "1 of 3 tasks done, Customers is running."


STARTED_BY = {
    Cause.SCHEDULE: ("Schedule", '"Every day at 00:13, UTC" for 24 November 2026 at 00:13'),
    Cause.TRIGGER: ("Trigger", "on in.c-sales.accounts and in.c-sales.orders"),
    Cause.PERSON: ("Alice", "by hand"),
}


@pytest.mark.parametrize("cause", STARTED_BY)
def test_a_run_says_which_schedule_or_which_tables_started_it(
    cause: Cause, orchestration: Configuration, alice: User, as_alice: Client
) -> None:
    name, words = STARTED_BY[cause]
    given = {"created_by": alice} if cause is Cause.PERSON else {"cause_detail": words}
    run = build_job(orchestration, cause=cause, **given)
    part = child(run, "orders", JobStatus.SUCCESS)

    page = as_alice.get(address_of(run))

    assert f'<dd>{name} <span class="muted">{escape(words)}</span></dd>' in page.text
    assert as_alice.get(address_of(part)).context["job"].cause == f"as a task of job {run.pk}"


def test_a_waiting_job_says_why_with_a_link(world: World, run: Job, as_alice: Client) -> None:
    older = build_job(world.orchestration, JobStatus.PROCESSING)
    text = as_alice.get(address_of(world.waiting_run)).text

    assert f'<a href="{address_of(older)}">Job {older.pk}</a> of the same orchestration is processing since' in text


def test_only_an_active_job_is_asked_for_again(run: Job, world: World, as_alice: Client) -> None:
    active = as_alice.get(address_of(run), headers=HTMX)
    settled = as_alice.get(address_of(world.failed_run), headers=HTMX)

    assert 'hx-trigger="refresh from:body"' in active.text
    assert "HX-Trigger" not in active
    assert "refresh from:body" not in settled.text
    assert settled["HX-Trigger"] == "job-settled"
    assert "<html" not in active.text + settled.text


def test_a_tick_brings_only_the_lines_since_the_last_one(run: Job, as_alice: Client) -> None:
    orders, customers = (child(run, key, JobStatus.PROCESSING) for key in ("orders", "customers"))
    build_log(orders, "page 1")
    page = as_alice.get(address_of(run))
    seen = [texts(page)]
    cursor = cursor_of(page.text)

    for job, sequence, text in [(customers, 0, "row 1"), (orders, 1, "page 2"), (orders, 2, "page 3")]:
        build_log(job, text, sequence=sequence)
        tick = as_alice.get(address_of(run), {"after": cursor}, headers=HTMX)
        seen.append(texts(tick))
        cursor = cursor_of(tick.text)
    silent = as_alice.get(address_of(run), {"after": cursor}, headers=HTMX)

    assert seen == [["page 1"], ["row 1"], ["page 2"], ["page 3"]]
    assert texts(silent) == []
    assert "hx-swap-oob" not in silent.text


def test_the_last_tick_brings_what_was_logged_until_the_end(run: Job, as_alice: Client) -> None:
    orders = child(run, "orders", JobStatus.PROCESSING)
    cursor = cursor_of(as_alice.get(address_of(run)).text)
    build_log(orders, "the end")
    Job.objects.filter(pk__in=[run.pk, orders.pk]).update(status=JobStatus.SUCCESS, finished_at=timezone.now())

    tick = as_alice.get(address_of(run), {"after": cursor}, headers=HTMX)

    assert texts(tick) == ["the end"]
    assert texts(as_alice.get(address_of(run), {"after": cursor_of(tick.text)}, headers=HTMX)) == []


@pytest.mark.parametrize("cursor", ["", "x", "1:2:3", "9" * 40, "1:" + "9" * 40, "-1:0", "٣:٣"])
def test_a_broken_cursor_gives_no_lines_and_no_error(cursor: str, run: Job, as_alice: Client) -> None:
    build_log(child(run, "orders", JobStatus.PROCESSING), "page 1")

    tick = as_alice.get(address_of(run), {"after": cursor}, headers=HTMX)

    assert tick.status_code == 200
    assert texts(tick) == []


def test_a_level_is_kept_by_the_ticks(world: World, as_alice: Client) -> None:
    Job.objects.filter(pk=world.failed_run.pk).update(status=JobStatus.PROCESSING, finished_at=None)

    page = as_alice.get(address_of(world.failed_run), {"level": "error"})

    assert texts(page) == ["careful", "No such table."]
    assert page.context["job"].live_url.endswith("?level=error")
    assert as_alice.get(address_of(world.failed_run), {"level": "loud"}).status_code == 404


def test_only_the_end_of_a_long_log_is_on_the_page(run: Job, as_alice: Client) -> None:
    orders = child(run, "orders", JobStatus.PROCESSING)
    for sequence in range(8):
        build_log(orders, *(f"line {sequence * 100 + number}" for number in range(100)), sequence=sequence)

    page = as_alice.get(address_of(run))

    assert texts(page) == [f"line {number}" for number in range(300, 800)]
    assert "Only the last lines are shown." in page.text


def test_the_whole_log_is_a_text(world: World, as_alice: Client) -> None:
    response = as_alice.get(reverse("job-log-download", args=[world.project.pk, world.failed_run.pk]))

    lines = b"".join(response).decode().splitlines()
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert f'filename="job-{world.failed_run.pk}.log"' in response["Content-Disposition"]
    assert lines[0] == f"# Orders (job {world.child.pk})"
    assert [line.split(maxsplit=2)[2] for line in lines if line and not line.startswith("#")] == [
        "info  page 1",
        "error careful",
        "info  looking",
        "error No such table.",
    ]


def test_an_opened_task_shows_its_last_lines_and_stays_open(run: Job, as_alice: Client) -> None:
    orders = child(run, "orders", JobStatus.PROCESSING)
    build_log(orders, *(f"line {number}" for number in range(30)))

    context = as_alice.get(address_of(run), {"open": "orders"}).context

    row = context["phases"][0].tasks[0]
    assert [line.text for line in row.details.lines] == [f"line {number}" for number in range(18, 30)]
    assert context["job"].live_url.endswith("?open=orders")
    assert row.toggle_url == address_of(run)
    assert context["phases"][0].tasks[1].toggle_url.endswith("?open=orders&open=customers")


def words_of_tables(page: str) -> list[str]:
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in re.findall(r"detail__tables\">(.*?)</p>", page)]


@pytest.mark.parametrize(
    ("status", "has_imported", "out"),
    [
        (JobStatus.PROCESSING, False, "Out: out.c-shop.sums"),
        (JobStatus.ERROR, False, "Out, not imported: out.c-shop.sums"),
        (JobStatus.SUCCESS, True, "Out: out.c-shop.sums (3 rows, full load)"),
    ],
)
def test_an_opened_task_shows_its_tables_in_and_out(
    status: JobStatus, has_imported: bool, out: str, project: Project, as_alice: Client
) -> None:
    storage = {
        "input": {"tables": [{"source": "in.c-shop.orders", "destination": "orders"}]},
        "output": {"tables": [{"source": "sums", "destination": "out.c-shop.sums"}]},
    }
    document = {"parameters": {"command": ["true"]}, "storage": storage}
    sums = builders.build_configuration(project, name="Sums", document=document)
    run = build_job(builders.build_orchestration(project, [task(sums, key="sums")]), JobStatus.PROCESSING)
    job = build_child(run, sums, "sums", status)
    if has_imported:
        builders.build_import(builders.build_table(project, "out.c-shop.sums"), job=job, rows=3)

    closed = as_alice.get(address_of(run)).text
    opened = as_alice.get(address_of(run), {"open": "sums"}).text

    assert words_of_tables(closed) == []
    assert words_of_tables(opened) == ["In: in.c-shop.orders", out]


def test_the_tables_of_an_opened_task_are_those_it_brings_itself(run: Job, as_alice: Client) -> None:
    orders = child(run, "orders", JobStatus.SUCCESS)
    storage = {"output": {"tables": [{"source": "x", "destination": "out.c-own.x"}]}}
    Job.objects.filter(pk=orders.pk).update(request={"configData": {"parameters": {}, "storage": storage}})

    opened = as_alice.get(address_of(run), {"open": ["orders", "customers"]}).text

    assert words_of_tables(opened) == ["Out, not imported: out.c-own.x"]


def test_events_and_history_come_anew_when_the_job_has_settled(world: World, as_alice: Client) -> None:
    job = world.failed_run
    JobEvent.objects.create(job=job, at=timezone.now(), kind="job.settled", message="Ended badly.")

    events = as_alice.get(address_of(job), headers={**HTMX, "HX-Target": f"job-{job.pk}-events"}).text
    history = as_alice.get(address_of(job), headers={**HTMX, "HX-Target": f"job-{job.pk}-history"}).text

    assert "Ended badly." in events
    assert f'id="job-{job.pk}-history"' in history
    assert "job-settled" not in events + history


def test_secrets_are_never_shown(project: Project, as_alice: Client) -> None:
    configuration = builders.build_configuration(
        project, document={"parameters": {"command": ["true"], "environment": {"#password": "hunter2-hunter2"}}}
    )
    job = build_job(configuration, request={"configData": {}, "tag": {"#deep": "swordfish"}})

    text = as_alice.get(address_of(job)).text

    assert text.count("&quot;*****&quot;") == 2
    assert "swordfish" not in text
    assert "tutti:v1:" not in text


def test_a_job_whose_version_was_purged_still_has_a_page(world: World, as_alice: Client) -> None:
    world.failed_run.configuration_version = 99
    world.failed_run.save(update_fields=["configuration_version"])

    response = as_alice.get(address_of(world.failed_run))

    assert response.status_code == 200
    assert "No such table." in response.text


def test_a_task_leads_to_its_run_and_back(world: World, as_alice: Client) -> None:
    text = as_alice.get(address_of(world.child)).text

    assert f'<a href="{address_of(world.failed_run)}">job {world.failed_run.pk}</a>' in text
    assert f'href="{address_of(world.child)}"' in as_alice.get(address_of(world.failed_run), {"open": "orders"}).text


def test_the_usual_duration_tells_when_a_run_should_end(orchestration: Configuration, as_alice: Client) -> None:
    build_job(orchestration, JobStatus.SUCCESS)
    started_at = timezone.now() - timedelta(seconds=10)
    run = build_job(orchestration, JobStatus.PROCESSING, started_at=started_at)

    job = as_alice.get(address_of(run)).context["job"]

    assert job.usual_seconds == 60
    assert job.about_end == started_at + timedelta(seconds=60)
    assert 9 < job.progress.value < 60 == job.progress.max


def test_the_list_of_jobs_shows_all_components_newest_first(world: World, as_alice: Client) -> None:
    context = as_alice.get(reverse("jobs", args=[world.project.pk])).context

    assert [row.name for row in context["jobs"]] == [
        "Download of in.c-shop.orders",
        "Daily Sales Refresh",
        "Broken",
        "Orders",
        "Daily Sales Refresh",
    ]
    assert (context["processing_count"], context["waiting_count"]) == (0, 1)


def texts(response: object) -> list[str]:
    """The lines of the log in an answer, without those of opened tasks."""
    return [line.text for line in response.context["log"]["lines"]]  # type: ignore[attr-defined]


def cursor_of(text: str) -> str:
    found = re.search(r'name="after" value="([^"]*)"', text)
    assert found is not None
    return found[1]
