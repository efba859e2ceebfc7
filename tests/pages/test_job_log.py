"""The log of a job and its events, however long they are."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job, JobEvent
from jobs.states import JobStatus
from orchestrations.models import ConfigurationVersion, Project
from tests import builders
from tests.pages.rows import build_job, build_log
from tests.pages.world import World

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def job(project: Project) -> Job:
    """1,200 lines in chunks of 100; every 300th is an error."""
    job = build_job(builders.build_configuration(project, name="Orders"), JobStatus.PROCESSING)
    for sequence in range(12):
        numbers = range(sequence * 100, sequence * 100 + 100)
        build_log(job, *(f"{'E ' if number % 300 == 0 else ''}Row {number}" for number in numbers), sequence=sequence)
    return job


def page_of(client: Client, job: Job, name: str = "job", **query: str) -> tuple[list[str], dict[str, str]]:
    """The lines, and the addresses of the pages beside."""
    log = client.get(reverse(name, args=[job.project_id, job.pk]), query).context["log"]
    return [line.text for line in log["lines"]], {key: log.get(key, "") for key in ("earlier_url", "later_url")}


def test_the_page_has_the_last_lines_and_leads_to_the_others(job: Job, as_alice: Client) -> None:
    lines, urls = page_of(as_alice, job)

    assert lines == [f"Row {number}" for number in range(700, 1200)]
    assert urls["earlier_url"] == reverse("job-log", args=[job.project_id, job.pk])


def test_the_log_is_read_from_its_end_to_its_beginning_and_back(job: Job, as_alice: Client) -> None:
    down, urls = page_of(as_alice, job, "job-log")
    assert urls["later_url"] == ""
    while urls["earlier_url"]:
        log = as_alice.get(urls["earlier_url"]).context["log"]
        down, urls = [line.text for line in log["lines"]] + down, log
    up: list[str] = []
    while urls["later_url"]:
        log = as_alice.get(urls["later_url"]).context["log"]
        up, urls = up + [line.text for line in log["lines"]], log

    assert down == [f"Row {number}" for number in range(1200)]
    assert up == down[-len(up) :]
    assert len(up) >= 1000


def test_a_level_is_looked_for_in_all_of_the_log(job: Job, as_alice: Client) -> None:
    lines, _ = page_of(as_alice, job, level="error")

    assert lines == ["Row 0", "Row 300", "Row 600", "Row 900"]


@pytest.mark.parametrize("name", ["job", "job-log"])
def test_a_text_is_found_in_whatever_case(name: str, job: Job, as_alice: Client) -> None:
    build_log(job, "ŽLUŤOUČKÝ kůň", sequence=12)

    assert page_of(as_alice, job, name, find="row 77")[0] == [
        "Row 77",
        *(f"Row {number}" for number in range(770, 780)),
    ]
    assert page_of(as_alice, job, name, find="žluťoučký")[0] == ["ŽLUŤOUČKÝ kůň"]
    assert page_of(as_alice, job, name, find="row 300", level="error")[0] == ["Row 300"]
    assert page_of(as_alice, job, name, find="100%")[0] == []
    assert page_of(as_alice, job, name, find="row 11\x0099")[0] == ["Row 1199"]


def test_nothing_found_is_said(job: Job, as_alice: Client) -> None:
    address = reverse("job", args=[job.project_id, job.pk])

    assert "No line matches." in as_alice.get(address, {"find": "nothing like it"}).text


def test_ticks_keep_what_is_looked_for(job: Job, as_alice: Client) -> None:
    page = as_alice.get(reverse("job", args=[job.project_id, job.pk]), {"find": "row 5"})
    build_log(job, "Row 5 again", "Something else", sequence=12)

    tick = as_alice.get(f"{page.context['job'].live_url}&after={page.context['job'].cursor}", headers=HTMX)

    assert "find=row+5" in page.context["job"].live_url
    assert [line.text for line in tick.context["log"]["lines"]] == ["Row 5 again"]


@pytest.mark.parametrize("query", [{"before": "x"}, {"after": "9" * 30}, {"before": "0"}, {"after": "999999"}])
def test_a_broken_or_empty_place_is_no_error(query: dict[str, str], job: Job, as_alice: Client) -> None:
    assert as_alice.get(reverse("job-log", args=[job.project_id, job.pk]), query).status_code == 200
    assert as_alice.get(reverse("job-events", args=[job.project_id, job.pk]), query).status_code == 200


def test_many_events_are_paged(world: World, as_alice: Client) -> None:
    job = world.child
    JobEvent.objects.bulk_create(
        JobEvent(job=job, at=timezone.now(), kind="job.noted", message=f"Event {number}") for number in range(1, 250)
    )
    page = as_alice.get(reverse("job", args=[job.project_id, job.pk]))
    assert [event["text"] for event in page.context["events"]] == [f"Event {number}" for number in range(230, 250)]

    page = as_alice.get(page.context["all_events_url"])
    seen = [event["text"] for event in page.context["events"]]
    while page.context["later_url"]:
        page = as_alice.get(page.context["later_url"])
        seen += [event["text"] for event in page.context["events"]]
    earlier = as_alice.get(page.context["earlier_url"]).context["events"]

    assert seen == ["Created.", *(f"Event {number}" for number in range(1, 250))]
    assert [event["text"] for event in earlier] == seen[100:200]


def test_the_mapping_is_that_of_the_version(project: Project, as_alice: Client) -> None:
    storage = {
        "input": {"tables": [{"source": "in.c-x.orders", "destination": "orders.csv"}]},
        "output": {"tables": [{"source": "out.csv", "destination": "out.c-x.sales"}]},
    }
    document = {"parameters": {"command": ["true"]}, "storage": storage}
    job = build_job(builders.build_configuration(project, document=document))

    mapping = as_alice.get(reverse("job", args=[project.pk, job.pk])).context["mapping"]

    assert [(each.id, each.file) for each in mapping.inputs] == [("in.c-x.orders", "orders.csv")]
    assert [(each.id, each.file) for each in mapping.outputs] == [("out.c-x.sales", "out.csv")]


@pytest.mark.parametrize(
    "storage", [None, [], "x", {"input": []}, {"input": {"tables": {}}}, {"output": {"tables": [1]}}]
)
def test_whatever_was_saved_as_mapping_is_no_error(storage: object, project: Project, as_alice: Client) -> None:
    configuration = builders.build_configuration(project)
    ConfigurationVersion.objects.filter(configuration=configuration).update(
        document={"parameters": {}, "storage": storage}
    )
    job = build_job(configuration)

    response = as_alice.get(reverse("job", args=[project.pk, job.pk]))

    assert response.status_code == 200
    assert "It reads no tables." in response.text
