"""The catalogue, a component with its configurations, and one configuration: what is shown, run and automated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs import preparing
from jobs.models import Cause, Job
from jobs.states import JobStatus
from jobs.views import components
from orchestrations import editing
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import NOW, task
from tests.pages.rows import build_job, build_log
from tests.pages.world import World

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
MANY = 12
STATUSES = [JobStatus.SUCCESS, JobStatus.ERROR, JobStatus.WAITING]


@pytest.fixture
def catalogue_url(project: Project) -> str:
    return reverse("components", args=[project.pk])


@pytest.fixture
def component_url(project: Project) -> str:
    return reverse("component", args=[project.pk, "command"])


def address(name: str, configuration: Configuration) -> str:
    return reverse(name, args=[configuration.project_id, configuration.pk])


def test_components_are_grouped_with_their_counts(catalogue_url: str, world: World, as_alice: Client) -> None:
    groups = as_alice.get(catalogue_url).context["groups"]

    counts = {group["title"]: {each["name"]: each["words"] for each in group["entries"]} for group in groups}
    assert list(counts) == ["Extractors", "Transformations", "Writers", "Applications", "Orchestrations"]
    assert counts["Transformations"]["Python transformation"] == "No configurations yet"
    assert counts["Applications"]["Command"] == "3 configurations"
    assert "Load a file" not in counts["Applications"]  # for the pages alone
    assert counts["Orchestrations"] == {"Orchestrator": "1 orchestration"}
    assert groups[-1]["entries"][0]["url"] == reverse("orchestrations", args=[world.project.pk])


def test_the_catalogue_is_searched_as_one_types(catalogue_url: str, project: Project, as_alice: Client) -> None:
    found = as_alice.get(f"{catalogue_url}?q=any+PROGRAM", headers=HTMX)
    nothing = as_alice.get(f"{catalogue_url}?q=zzz")

    assert found.text.lstrip().startswith("<div")
    assert [group["title"] for group in found.context["groups"]] == ["Applications"]
    assert "Nothing matches" in nothing.text


def test_what_is_not_installed_any_more_is_kept_in_sight(
    catalogue_url: str, project: Project, world: World, as_alice: Client
) -> None:
    Configuration.objects.filter(pk=world.writer.pk).update(component_id="acme.gone")

    groups = as_alice.get(catalogue_url).context["groups"]
    page = as_alice.get(reverse("component", args=[project.pk, "acme.gone"]))
    detail = as_alice.get(address("configuration", world.writer))
    edit = as_alice.get(address("configuration-edit", world.writer))

    assert (groups[-1]["title"], groups[-1]["entries"][0]["id"]) == ("Not installed any more", "acme.gone")
    assert "is not installed any more" in page.text and page.context["new_url"] == ""
    assert detail.status_code == 200 and "Run Component" not in detail.text
    assert edit.status_code == 404
    assert as_alice.get(reverse("component", args=[project.pk, "acme.never"])).status_code == 404


def test_a_component_lists_its_configurations_with_their_last_job(
    component_url: str, world: World, as_alice: Client
) -> None:
    build_job(world.writer, JobStatus.SUCCESS)
    build_job(world.writer, JobStatus.PROCESSING)

    response = as_alice.get(component_url)

    last = {row["name"]: row["last_job"] and row["last_job"].status for row in response.context["rows"]}
    assert last == {"Broken": JobStatus.ERROR, "Orders": JobStatus.SUCCESS, "Publish": JobStatus.PROCESSING}
    assert response.context["live_url"] == component_url


def test_the_two_empty_states_of_a_component(component_url: str, project: Project, as_alice: Client) -> None:
    nothing_yet = as_alice.get(component_url).text
    builders.build_configuration(project, name="Orders")
    nothing_matches = as_alice.get(f"{component_url}?q=zzz").text

    assert "Nothing yet" in nothing_yet
    assert "Nothing matches" in nothing_matches and f'href="{component_url}"' in nothing_matches


@pytest.mark.parametrize("name", ["components", "component", "configuration"])
def test_the_number_of_queries_does_not_grow(name: str, project: Project, alice: User, as_alice: Client) -> None:
    first = builders.build_configuration(project, name="Orders")
    build_job(first, JobStatus.WAITING, created_by=alice)
    builders.build_orchestration(project, [task(first)])
    arguments = {"components": [], "component": ["command"], "configuration": [first.pk]}[name]
    url = reverse(name, args=[project.pk, *arguments])
    few = count_queries(as_alice, url)
    for number in range(MANY):
        other = builders.build_configuration(project)
        build_job(other if number % 2 else first, STATUSES[number % 3], created_by=alice)
        builders.build_orchestration(project, [task(first)])

    assert count_queries(as_alice, url) <= few <= 20


def test_a_configuration_shows_its_values_and_no_secret(project: Project, as_alice: Client) -> None:
    parameters = {"command": ["sh", "-c", "true"], "environment": {"REGION": "eu", "#TOKEN": "hush-hush"}}
    made = builders.build_configuration(project, name="Export", document={"parameters": parameters})

    form = as_alice.get(address("configuration", made)).text
    raw = as_alice.get(f"{address('configuration', made)}?as=json").text

    assert "REGION" in form and "Set, not shown" in form
    assert "*****" in raw
    assert not any(word in form + raw for word in ("hush-hush", "tutti:v1"))


def test_a_configuration_says_where_it_is_used(world: World, as_alice: Client) -> None:
    response = as_alice.get(address("configuration", world.extractor))

    uses = [(use["name"], use["phase"], use["is_enabled"]) for use in response.context["uses"]]
    assert uses == [("Daily Sales Refresh", "Phase 1", True), ("Daily Sales Refresh", "Phase 3", False)]
    assert address("orchestration", world.orchestration) in response.text


def test_an_orchestration_has_a_page_of_its_own(world: World, as_alice: Client) -> None:
    response = as_alice.get(address("configuration", world.orchestration))

    assert response["Location"] == address("orchestration", world.orchestration)
    assert as_alice.get(address("configuration-edit", world.orchestration)).status_code == 404


def test_its_jobs_are_live_while_one_is_active(world: World, as_alice: Client) -> None:
    url = address("configuration", world.writer)
    job = build_job(world.writer, JobStatus.PROCESSING)

    active = as_alice.get(url, headers=HTMX)
    job.delete()
    ended = as_alice.get(url, headers=HTMX)

    assert f'hx-get="{url}"' in active.text
    assert "hx-get" not in ended.text


def test_running_it_asks_first_and_says_what_it_would_wait_for(world: World, alice: User, as_alice: Client) -> None:
    url = address("configuration-run", world.writer)
    older = build_job(world.writer, JobStatus.PROCESSING)

    asked = as_alice.get(url, headers=HTMX)
    response = as_alice.post(url, headers=HTMX)

    job = Job.objects.latest("pk")
    assert f"Job {older.pk}</a> of the same configuration is processing since" in asked.text
    assert response["HX-Redirect"] == address("configuration", world.writer)
    assert (job.configuration, job.cause, job.created_by, job.status) == (
        world.writer,
        Cause.PERSON,
        alice,
        JobStatus.WAITING,
    )
    assert messages_of(response)[0].startswith("Command job has been scheduled.")


def test_the_dialog_warns_of_a_job_that_would_fail(project: Project, as_alice: Client) -> None:
    draft = builders.build_configuration(project, document={})

    assert "parameters.command: is required." in as_alice.get(address("configuration-run", draft)).text


def test_a_connection_is_tested_by_a_short_job_beside_all_others(world: World, alice: User, as_alice: Client) -> None:
    url = address("configuration-test", world.database)
    running = build_job(world.database, JobStatus.PROCESSING)

    begun = as_alice.post(url)
    job = Job.objects.latest("pk")
    waiting = as_alice.get(begun["Location"])
    with preparing.cannot_start():
        content = preparing.prepare(job, preparing.Attempt(job.pk, "f"), now=NOW)
    config = (preparing.Attempt(job.pk, "f").data / "config.json").read_text()
    ended = {"started_at": NOW, "finished_at": NOW}
    Job.objects.filter(pk=job.pk).update(status=JobStatus.ERROR, message="Nobody answers at db.example.org.", **ended)
    failed = as_alice.get(begun["Location"], headers=HTMX)
    build_log(job, "Trying.", "The connection works: PostgreSQL 17.")
    Job.objects.filter(pk=job.pk).update(status=JobStatus.SUCCESS, message="")
    worked = as_alice.get(begun["Location"], headers=HTMX)

    assert (job.configuration, job.created_by, job.name) == (None, alice, "Connection test of Warehouse")
    assert json.loads(config)["action"] == "testConnection"
    assert (content.mapping.inputs, content.mapping.outputs) == ((), ())
    assert f"job {running.pk}" not in waiting.text, "it waits for no job of the configuration"
    assert f'hx-get="{begun["Location"]}"' in waiting.text
    assert "Nobody answers at db.example.org." in failed.text
    assert "The connection works: PostgreSQL 17." in worked.text
    assert "hx-get" not in failed.text + worked.text
    shown = waiting.text + failed.text + worked.text + as_alice.get(reverse("job", args=[job.project_id, job.pk])).text
    assert "hunter2" not in shown + str(job.request)


def test_the_answer_of_a_test_is_of_the_parameters_as_they_are(world: World, as_alice: Client) -> None:
    url = address("configuration-test", world.database)
    begun = as_alice.post(url)
    other = builders.build_configuration(world.project, component_id="ex-database", document={})
    query = begun["Location"].partition("?")[2]

    assert as_alice.get(f"{address('configuration-test', other)}?{query}").status_code == 404
    assert as_alice.get(f"{url}?job={world.child.pk}").status_code == 404
    assert as_alice.post(address("configuration-test", world.writer)).status_code == 404
    assert "Test connection" not in as_alice.get(address("configuration", world.writer)).text
    assert url in as_alice.get(address("configuration", world.database)).text


def test_an_empty_draft_has_no_connection_to_be_tested(project: Project, as_alice: Client) -> None:
    draft = builders.build_configuration(project, component_id="ex-database", document={})

    answer = as_alice.post(address("configuration-test", draft))

    assert (answer.status_code, "parameters.tables: is required." in answer.text) == (422, True)
    assert not Job.objects.exists()


def test_a_disabled_configuration_says_so_and_runs_by_hand(world: World, as_alice: Client) -> None:
    editing.set_enabled(world.writer, False, actor=builders.admin_of(world.project), now=NOW)

    text = as_alice.get(address("configuration-run", world.writer)).text
    response = as_alice.post(address("configuration-run", world.writer))

    assert "This configuration is disabled." in text
    assert response.status_code == 302


def test_it_is_switched_off_and_on(world: World, as_oscar: Client) -> None:
    url = address("configuration-switch", world.writer)

    fragment = as_oscar.post(url, {"enabled": "0"}, headers=HTMX)
    plain = as_oscar.post(url, {"enabled": "1"})

    assert 'aria-checked="false"' in fragment.text
    assert plain["Location"] == address("configuration", world.writer)
    assert Configuration.objects.get(pk=world.writer.pk).is_disabled is False


def count_queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_of_very_many_configurations_the_page_shows_some_and_finds_all(
    project: Project, as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(components, "MOST_ROWS", 2)
    for name in ("Orders", "Payments", "Returns", "Stock"):
        builders.build_configuration(project, name=name)
    address = reverse("component", args=[project.pk, "command"])

    page = as_alice.get(address)
    found = as_alice.get(address, {"q": "stock"})

    assert [row["name"] for row in page.context["rows"]] == ["Orders", "Payments"]
    assert "2 more configurations match: search by name to find them." in page.text
    assert [row["name"] for row in found.context["rows"]] == ["Stock"]
