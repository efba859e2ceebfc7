"""The page of an orchestration: its runs at a glance, and what it offers to whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job
from jobs.queries.scores import GONE, Score
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import NOW, task
from tests.pages.rows import build_child, build_job
from tests.pages.world import World

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def address_of(orchestration: Configuration) -> str:
    return reverse("orchestration", args=[orchestration.project_id, orchestration.pk])


def cells(score: Score) -> dict[str, list[str]]:
    return {row.name: [cell.status for cell in row.cells] for part in score.parts for row in part.rows}


def test_a_column_is_a_run_and_a_cell_how_its_task_ended(world: World, as_alice: Client) -> None:
    score = as_alice.get(address_of(world.orchestration)).context["score"]

    assert [column.id for column in score.columns] == [world.failed_run.pk, world.waiting_run.pk]
    assert len(score.blanks) == 28
    assert [(part.name, [(row.name, statuses(row)) for row in part.rows]) for part in score.parts] == [
        ("Phase 1", [("Orders", ["success", "waiting"])]),
        ("Phase 2", [("Broken", ["error", "waiting"])]),
        ("Phase 3", [("Publish", ["not-executed", "waiting"]), ("Orders", ["absent", "absent"])]),
    ]


def test_a_bar_is_a_link_and_a_cell_says_what_it_is(world: World, as_alice: Client) -> None:
    text = as_alice.get(address_of(world.orchestration)).text

    run = world.failed_run
    assert f'<a href="/projects/{world.project.pk}/jobs/{run.pk}/" id="score-{run.pk}" title="#{run.pk}, ' in text
    assert f'<td title="#{run.pk} Broken: Error, 1 min 00 s">' in text
    assert text.count("<td title=") == len(["success", "error", "not-executed", *["waiting"] * 3])


def test_a_task_is_absent_from_runs_of_versions_without_it(project: Project, as_alice: Client) -> None:
    first, second = (builders.build_configuration(project, name=name) for name in ("Orders", "Publish"))
    orchestration = builders.build_orchestration(project, [task(first, key="first")])
    build_child(build_job(orchestration), first, "first", JobStatus.SUCCESS)
    change(orchestration, builders.document([task(second, key="second")]))
    build_child(build_job(orchestration), second, "second", JobStatus.SUCCESS)

    score = as_alice.get(address_of(orchestration)).context["score"]

    assert cells(score) == {"Publish": ["absent", "success"], "Orders": ["success", "absent"]}
    assert [part.name for part in score.parts] == ["Phase 1", GONE]


def test_what_was_not_chosen_is_absent_and_no_failure(world: World, as_alice: Client) -> None:
    partial = build_job(world.orchestration, JobStatus.TERMINATED, only_task_keys=["publish", "again"])

    score = as_alice.get(address_of(world.orchestration)).context["score"]

    last = {row.name: row.cells[-1].status for part in score.parts[1:] for row in part.rows}
    assert score.columns[-1].id == partial.pk
    assert last == {"Broken": "absent", "Publish": "not-executed", "Orders": "not-executed"}


def test_only_the_last_thirty_are_drawn_those_of_the_page_and_before(project: Project, as_alice: Client) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    ids = [build_job(orchestration).pk for _ in range(45)]

    first = as_alice.get(address_of(orchestration)).context
    older = as_alice.get(first["older_url"]).context

    assert [column.id for column in first["score"].columns] == ids[-30:]
    assert [column.id for column in older["score"].columns] == ids[-40:-10]


def test_the_filter_holds_for_the_score_too(world: World, as_alice: Client) -> None:
    address = address_of(world.orchestration)

    failed = as_alice.get(address, {"runs": "failed"}).context["score"]
    successful = as_alice.get(address, {"runs": "successful"})

    assert [column.id for column in failed.columns] == [world.failed_run.pk]
    assert successful.context["score"] is None
    assert "Nothing matches" in successful.text


def test_a_tick_brings_score_and_rows_in_one_answer_until_all_have_ended(world: World, as_alice: Client) -> None:
    address = address_of(world.orchestration)

    active = as_alice.get(address, headers=HTMX).text
    Job.objects.filter(pk=world.waiting_run.pk).update(status=JobStatus.CANCELLED, finished_at=timezone.now())
    settled = as_alice.get(address, headers=HTMX).text

    assert active.count("refresh from:body") == 1
    assert 'id="score"' in active
    assert f'id="run-{world.waiting_run.pk}"' in active
    assert 'id="score"' in settled
    assert "refresh from:body" not in settled


def test_the_usual_duration_is_drawn(world: World, as_alice: Client) -> None:
    build_job(world.orchestration, JobStatus.SUCCESS)

    score = as_alice.get(address_of(world.orchestration)).context["score"]

    assert score.chart.usual.label == "usual 1 min"


def test_with_very_many_tasks_a_row_is_a_phase(project: Project, as_alice: Client) -> None:
    component = builders.build_configuration(project)
    many = [task(component, key=f"many-{number}") for number in range(60)]
    orchestration = builders.build_orchestration(project, many, [task(component, key="last")], name="Large")
    run = build_job(orchestration, JobStatus.ERROR)
    for key, status in [("many-0", JobStatus.SUCCESS), ("many-1", JobStatus.ERROR), ("many-2", JobStatus.SUCCESS)]:
        build_child(run, component, key, status, phase_key="phase-1")

    score = as_alice.get(address_of(orchestration)).context["score"]

    [first], [last] = (part.rows for part in score.parts)
    assert (first.name, first.cells[0].status, first.cells[0].more) == ("60 tasks", "error", "1 error, 2 success")
    assert (last.name, last.cells[0].status) == ("1 task", "not-executed")


def test_thirty_runs_take_as_many_queries_as_one_run(project: Project, alice: User, as_alice: Client) -> None:
    components = [builders.build_configuration(project) for _ in range(4)]
    orchestration = builders.build_orchestration(
        project, [task(each, key=f"task-{number}") for number, each in enumerate(components)]
    )

    def add_run(version: int) -> None:
        run = build_job(orchestration, JobStatus.SUCCESS, created_by=alice)
        Job.objects.filter(pk=run.pk).update(configuration_version=version)
        for number, each in enumerate(components):
            build_child(run, each, f"task-{number}", JobStatus.SUCCESS)

    def count_queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert as_alice.get(address_of(orchestration)).status_code == 200
        return len(captured)

    add_run(1)
    of_one = count_queries()
    for _ in range(29):
        change(orchestration, orchestration.document)
        add_run(orchestration.version)

    assert count_queries() == of_one <= 22


def test_the_last_versions_and_the_token_stand_beside_it(world: World, as_alice: Client) -> None:
    for number in range(5):
        change(world.orchestration, world.orchestration.document, f"Change {number}")

    response = as_alice.get(address_of(world.orchestration))

    assert [version["version"] for version in response.context["versions"]] == [6, 5, 4, 3]
    assert 'title="What changed in #6">Change 4</a>' in response.text
    assert "Not used yet, never expires" in response.text
    token = response.context["token"]
    assert f'<a href="{reverse("token", args=[world.project.pk, token.pk])}">{token.description}</a>' in response.text


def test_an_orchestration_without_tasks_says_so_and_offers_no_run(project: Project, as_alice: Client) -> None:
    orchestration = builders.build_orchestration(project)

    text = as_alice.get(address_of(orchestration)).text

    assert "This orchestration has no tasks to run." in text
    assert "Run Orchestration" not in text


def statuses(row: object) -> list[str]:
    return [cell.status for cell in row.cells]  # type: ignore[attr-defined]


def change(orchestration: Configuration, document: dict[str, object], words: str = "Change") -> None:
    editing.update(
        orchestration,
        Content(document=document, description=f"{words} {orchestration.version}"),
        actor=builders.admin_of(orchestration.project),
        now=NOW + timedelta(days=1),
        change_description=words,
    )
    orchestration.refresh_from_db()
