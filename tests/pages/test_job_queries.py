"""The list of jobs and its queries."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs.models import Cause, Job
from jobs.queries import searching
from jobs.states import JobStatus
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import task
from tests.pages.rows import build_child, build_job

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def orders(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Orders Übersicht")


@pytest.fixture
def jobs(project: Project, orders: Configuration, alice: User, bob: User) -> dict[str, Job]:
    """One of each kind, by the word that the tests use for it."""
    now = timezone.now()
    python = builders.build_configuration(
        project, name="Clean", component_id="python-transformation", document={"parameters": {"code": "pass"}}
    )
    daily = builders.build_orchestration(project, [task(orders)], name="Daily Sales")
    run = build_job(daily, JobStatus.ERROR, cause=Cause.SCHEDULE, only_task_keys=["x"])
    return {
        "run": run,
        "child": build_child(run, orders, "x", JobStatus.ERROR, cause=Cause.SCHEDULE),
        "old": build_job(orders, created_by=alice, created_at=now - timedelta(days=30)),
        "bobs": build_job(python, JobStatus.ERROR, created_by=bob, created_at=now - timedelta(days=8)),
        "long": build_job(orders, created_by=alice, finished_at=now + timedelta(hours=2)),
        "nameless": build_job(orders, JobStatus.TERMINATED, configuration_id=None, name="Orders by API"),
        "going": build_job(python, JobStatus.PROCESSING, created_by=alice, started_at=now - timedelta(hours=3)),
        "waiting": build_job(orders, JobStatus.WAITING, created_by=alice),
    }


def found(client: Client, project: Project, query: str, jobs: dict[str, Job]) -> list[str]:
    context = client.get(reverse("jobs", args=[project.pk]), {"q": query}).context
    assert context["problem"] == {}
    words = {job.pk: word for word, job in jobs.items()}
    return sorted(words[row.id] for row in context["jobs"])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "bobs child going long nameless old run waiting"),
        ("status:error", "bobs child run"),
        ("status:terminated", "nameless"),
        ("status:processing", "going"),
        ("status:waiting", "waiting"),
        ("status:success", "long old"),
        ("status:error OR status:waiting", "bobs child run waiting"),
        ("-status:success -status:error", "going nameless waiting"),
        ("component:transformation", "bobs going"),
        ('component:"Python transformation"', "bobs going"),
        ("component:keboola.orchestrator", "run"),
        ("component:no-such-thing", ""),
        ("-component:transformation -component:orchestrator", "child long nameless old waiting"),
        ("configuration:daily", "run"),
        ("configuration:no-such", ""),
        ("ÜBERSICHT", "child long old waiting"),
        ("orders", "child long nameless old waiting"),
        ('"orders by"', "nameless"),
        ("-orders", "bobs going run"),
        ("by:me", "going long old waiting"),
        ("by:bob", "bobs"),
        ("by:bob@example.org", "bobs"),
        ("by:schedule", "child run"),
        ("by:nobody", ""),
        ("cause:schedule", "child run"),
        ("is:run", "run"),
        ("is:task", "child"),
        ("is:partial", "run"),
        ("duration:>1h", "going long"),
        ("duration:60", "bobs child nameless old run"),
        ("duration:[30s TO 2m]", "bobs child nameless old run"),
        ("-duration:>1h", "bobs child nameless old run waiting"),
        ("duration:>999999999", ""),
        ("created:-7d", "child going long nameless run waiting"),
        ("created:<-7d", "bobs old"),
        ("created:[-10d TO -7d]", "bobs"),
        ("status:error created:-7d", "child run"),
        ("by:me status:error", ""),
        ("(orders OR clean) by:me -status:waiting", "going long old"),
    ],
)
def test_a_query_finds(query: str, words: str, project: Project, jobs: dict[str, Job], as_alice: Client) -> None:
    assert found(as_alice, project, query, jobs) == words.split()


def test_a_job_and_its_run_are_found_by_number(project: Project, jobs: dict[str, Job], as_alice: Client) -> None:
    run = jobs["run"].pk

    assert found(as_alice, project, f"id:{run}", jobs) == ["run"]
    assert found(as_alice, project, f"run:{run}", jobs) == ["child", "run"]
    assert found(as_alice, project, f"id:>={run} is:task", jobs) == ["child"]
    assert found(as_alice, project, f"-id:{run} status:error", jobs) == ["bobs", "child"]


def test_a_configuration_is_found_by_its_id(
    project: Project, jobs: dict[str, Job], orders: Configuration, as_alice: Client
) -> None:
    assert found(as_alice, project, f"config:{orders.key} status:success", jobs) == ["long", "old"]


def test_jobs_of_another_project_are_never_found(jobs: dict[str, Job], alice: User, as_alice: Client) -> None:
    another = builders.build_project(alice, "Another")
    build_job(builders.build_configuration(another, name="Elsewhere"), JobStatus.ERROR, created_by=alice)

    for query in ("", "status:error", "by:me", "orders", f"id:{jobs['run'].pk}", f"run:{jobs['run'].pk}", "is:run"):
        rows = as_alice.get(reverse("jobs", args=[another.pk]), {"q": query}).context["jobs"]
        assert {row.name for row in rows} <= {"Elsewhere"}


def test_a_bad_query_says_where_and_the_list_stays(project: Project, jobs: dict[str, Job], as_alice: Client) -> None:
    response = as_alice.get(reverse("jobs", args=[project.pk]), {"q": 'by:me <b>"err'})

    assert response.status_code == 200
    assert len(response.context["jobs"]) == len(jobs)
    assert response.context["problem"]["marked"] == '"'
    assert "&lt;b&gt;<mark>&quot;</mark>err" in response.text
    response = as_alice.get(reverse("jobs", args=[project.pk]), {"q": "by:me statsu:err"})
    assert "Unknown field “statsu”: did you mean status? (character 7)" in response.text
    assert 'value="by:me statsu:err"' in response.text


def test_chips_are_queries_and_lead_back(project: Project, jobs: dict[str, Job], as_alice: Client) -> None:
    address = reverse("jobs", args=[project.pk])
    chips = as_alice.get(address).context["chips"]

    assert [chip["label"] for chip in chips] == ["Long Running", "My Jobs", "My Failed Jobs", "Failed in Last 7 Days"]
    for chip in chips:
        page = as_alice.get(chip["url"]).context
        assert page["problem"] == {}
        assert [each["label"] for each in page["chips"] if each["current"]] == [chip["label"]]
        assert next(each["url"] for each in page["chips"] if each["current"]) == address


def test_two_empty_states(project: Project, as_alice: Client) -> None:
    address = reverse("jobs", args=[project.pk])

    assert "Nothing yet" in as_alice.get(address).text
    nothing = as_alice.get(address, {"q": "status:error"}).text
    assert "Nothing matches" in nothing
    assert f'<a class="btn" href="{address}">Clear</a>' in nothing


@pytest.mark.parametrize("query", ["", "status:error", "orders", "duration:<5m", "by:me", "component:command"])
def test_pages_follow_one_another_without_gap_or_overlap(
    query: str, project: Project, orders: Configuration, alice: User, as_alice: Client
) -> None:
    made = [build_job(orders, JobStatus.ERROR, created_by=alice).pk for _ in range(60)]
    address = reverse("jobs", args=[project.pk])
    page = as_alice.get(address, {"q": query})
    down = [row.id for row in page.context["jobs"]]
    assert page.context["found"].page.newer_url == ""

    while older := page.context["found"].page.older_url:
        page = as_alice.get(older)
        down += [row.id for row in page.context["jobs"]]
    up: list[int] = []
    while newer := page.context["found"].page.newer_url:
        page = as_alice.get(newer)
        up = [row.id for row in page.context["jobs"]] + up

    assert down == made[::-1]
    assert up == down[: len(up)]
    assert len(up) == 50


@pytest.mark.parametrize("query", ["", "status:success", "orders", "duration:<5m", "by:me", "component:command"])
def test_a_page_tells_of_others_only_when_there_are_some(
    query: str, project: Project, orders: Configuration, alice: User, as_alice: Client
) -> None:
    made = [build_job(orders, created_by=alice).pk for _ in range(27)]
    address = reverse("jobs", args=[project.pk])

    def urls_of(**cursor: int) -> tuple[bool, bool]:
        page = (
            as_alice.get(address, {"q": query} | {name: str(pk) for name, pk in cursor.items()}).context["found"].page
        )
        return bool(page.newer_url), bool(page.older_url)

    assert urls_of() == (False, True)
    assert urls_of(before=made[2]) == (True, False)
    assert urls_of(after=made[0]) == (True, True)
    assert urls_of(after=made[1]) == (False, True)
    assert urls_of(before=made[-1] + 1) == (False, True)
    assert urls_of(after=made[0] - 1) == (True, False)


def test_a_job_that_matches_no_more_hides_no_page(project: Project, orders: Configuration, as_alice: Client) -> None:
    oldest, *_, newest = [build_job(orders, JobStatus.ERROR).pk for _ in range(3)]
    gone = build_job(builders.build_configuration(project), JobStatus.SUCCESS).pk
    address = reverse("jobs", args=[project.pk])

    def page_of(**cursor: int) -> Any:
        return (
            as_alice.get(address, {"q": "status:error"} | {name: str(pk) for name, pk in cursor.items()})
            .context["found"]
            .page
        )

    assert page_of(before=gone).newer_url == ""
    build_job(builders.build_configuration(project), JobStatus.ERROR)
    assert page_of(before=gone).newer_url
    Job.objects.filter(pk=oldest).delete()
    assert page_of(after=oldest).older_url == ""
    assert page_of(after=newest).older_url


@pytest.mark.parametrize("query", ["is:run", "configuration:orders is:run", "status:error is:run", "orders is:run"])
def test_a_page_looks_at_so_many_jobs_and_says_where_it_stopped(
    query: str, project: Project, orders: Configuration, as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LOOKED_AT", 10)
    daily = builders.build_orchestration(project, [task(orders)], name="Orders daily")
    wanted = build_job(daily, JobStatus.ERROR)
    for _ in range(35):
        build_job(orders, JobStatus.ERROR)

    page = as_alice.get(reverse("jobs", args=[project.pk]), {"q": query})
    steps = 0
    while page.context["found"].on_url and not page.context["jobs"]:
        assert "Nothing matches so far" in page.text
        page = as_alice.get(page.context["found"].on_url)
        steps += 1

    assert [row.id for row in page.context["jobs"]] == [wanted.pk]
    assert 2 <= steps <= 8


def test_created_bounds_where_is_looked(
    project: Project, orders: Configuration, as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LOOKED_AT", 10)
    monkeypatch.setattr(searching, "SLACK", 2)
    now = timezone.now()
    wanted = build_job(orders, created_at=now - timedelta(days=30))
    for days in range(29, 0, -1):
        build_job(orders, JobStatus.ERROR, created_at=now - timedelta(days=days))

    page = as_alice.get(reverse("jobs", args=[project.pk]), {"q": "created:<-29d status:success"})

    assert [row.id for row in page.context["jobs"]] == [wanted.pk]
    assert page.context["found"].on_url == ""


def test_live_rows_are_those_of_the_query(project: Project, jobs: dict[str, Job], as_alice: Client) -> None:
    fragment = as_alice.get(reverse("jobs", args=[project.pk]), {"q": "status:processing"}, headers=HTMX).text

    assert "<html" not in fragment
    assert f'hx-get="{reverse("jobs", args=[project.pk])}?q=status%3Aprocessing"' in fragment


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (
            "",
            ["status:", "component:", "configuration:", "created:", "duration:", "by:", "cause:", "is:", "id:", "run:"],
        ),
        ("c", ["component:", "configuration:", "created:", "cause:"]),
        ("status:t", ["terminating", "terminated", "waiting"]),
        ("component:pyth", ["Python transformation"]),
        ("configuration:ord", ["Orders Übersicht"]),
        ("by:", ["me", "Alice", "Bob", "Oscar"]),
        ('status:error by:"bo', ["Bob"]),
        ("id:", []),
        ("colour:", []),
    ],
)
def test_what_could_be_typed(
    text: str, labels: list[str], project: Project, orders: Configuration, bob: User, oscar: User, as_alice: Client
) -> None:
    response = as_alice.get(reverse("jobs-suggestions", args=[project.pk]), {"q": text, "at": str(len(text))})

    assert [each.label for each in response.context["suggestions"]] == labels
    assert response.text.count('role="option"') == len(labels)


@pytest.mark.parametrize("caret", ["", "x", "-1", "9" * 30, "٣"])
def test_a_broken_caret_is_the_end(caret: str, project: Project, as_alice: Client) -> None:
    response = as_alice.get(reverse("jobs-suggestions", args=[project.pk]), {"q": "stat", "at": caret})

    assert [each.label for each in response.context["suggestions"]] == ["status:"]


def test_every_example_of_the_help_sheet_is_a_query(project: Project, as_alice: Client) -> None:
    context = as_alice.get(reverse("jobs-help", args=[project.pk])).context

    for each in [*context["fields"], *context["examples"]]:
        assert as_alice.get(each["url"]).context["problem"] == {}


@pytest.mark.sqlite  # by the text of the query, once and for all; PostgreSQL chooses by how many rows there are
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only SQLite chooses by the text of the query")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "job_of_project"),
        ("status:error", "job_failed"),
        ("status:warning created:-7d", "job_failed"),
        ("by:me", "job_of_person"),
        ("component:command", "job_of_component"),
        ("status:processing", "job_unsettled_of_project"),
        ("configuration:clean", "job_of_configuration"),
        ("no-such-name", "job_of_configuration"),
        ("created:-1d", "job_by_time"),
    ],
)
def test_a_query_is_answered_by_its_index(
    query: str, index: str, project: Project, jobs: dict[str, Job], as_alice: Client
) -> None:
    address = reverse("jobs", args=[project.pk])
    with CaptureQueriesContext(connection) as captured:
        as_alice.get(address, {"q": query})

    plans = [plan_of(each["sql"]) for each in captured.captured_queries if 'FROM "jobs_job" WHERE' in each["sql"]]

    assert any(re.search(rf"INDEX {index}\b", plan) for plan in plans), plans
    assert not [
        plan for plan in plans if "SCAN jobs_job" in plan or ("TEMP B-TREE" in plan and "PRIMARY KEY" not in plan)
    ]


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "; ".join(row[-1] for row in cursor.fetchall())
