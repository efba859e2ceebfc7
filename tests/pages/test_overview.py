"""The list of orchestrations, one of them, and its switch."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Cause
from jobs.states import SETTLED, JobStatus
from orchestrations import editing, queries
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import NOW, task
from tests.pages.rows import build_child, build_job
from tests.pages.world import World

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def test_home_leads_to_the_first_project(project: Project, as_alice: Client, as_charlie: Client) -> None:
    assert as_alice.get("/")["Location"] == reverse("dashboard", args=[project.pk])
    assert "You are in no project yet" in as_charlie.get("/").text


def test_a_row_shows_the_last_run_and_twenty_bars(world: World, alice: User, as_alice: Client) -> None:
    for status in [JobStatus.SUCCESS] * 20 + [JobStatus.ERROR]:
        build_job(world.orchestration, status, created_by=alice, message="The disk is full.")

    text = as_alice.get(reverse("orchestrations", args=[world.project.pk])).text

    assert "Last 20 runs: 19 ended in success, 1 otherwise" in text
    assert "The disk is full." in text
    assert "4 tasks in 3 phases" in text


def test_the_list_is_live_only_while_something_is_active(world: World, as_alice: Client) -> None:
    address = reverse("orchestrations", args=[world.project.pk])
    while_waiting = as_alice.get(address, headers=HTMX).text
    world.waiting_run.delete()

    afterwards = as_alice.get(address, headers=HTMX).text

    assert f'hx-get="{address}"' in while_waiting
    assert "hx-get" not in afterwards
    assert "<html" not in while_waiting + afterwards


def test_what_is_in_the_trash_is_not_listed_and_not_found(world: World, alice: User, as_alice: Client) -> None:
    editing.trash(world.orchestration, actor=builders.admin_of(world.project), now=NOW)

    assert "What are orchestrations" in as_alice.get(reverse("orchestrations", args=[world.project.pk])).text
    detail = as_alice.get(reverse("orchestration", args=[world.project.pk, world.orchestration.pk]))
    assert detail.status_code == 404


@pytest.mark.parametrize(
    ("which", "shown"),
    [
        ("", {"success", "error", "warning", "terminated", "cancelled", "waiting", "processing"}),
        ("successful", {"success"}),
        ("failed", {"error", "warning", "terminated", "cancelled"}),
        ("waiting", {"waiting"}),
    ],
)
def test_runs_are_filtered(which: str, shown: set[str], project: Project, as_alice: Client) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    statuses = set(JobStatus) - {JobStatus.TERMINATING}
    ids = {build_job(orchestration, status).pk: status.value for status in statuses}

    text = as_alice.get(reverse("orchestration", args=[project.pk, orchestration.pk]), {"runs": which}).text

    assert {status for pk, status in ids.items() if f'id="run-{pk}"' in text} == shown


def test_an_unknown_filter_is_not_found(world: World, as_alice: Client) -> None:
    address = reverse("orchestration", args=[world.project.pk, world.orchestration.pk])

    assert as_alice.get(address, {"runs": "lost"}).status_code == 404


def test_older_and_newer_runs_are_reached_by_cursor(project: Project, as_alice: Client) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    ids = [build_job(orchestration).pk for _ in range(60)][::-1]
    address = reverse("orchestration", args=[project.pk, orchestration.pk])

    pages = [as_alice.get(address, {"runs": "successful"}).context]
    while pages[-1]["older_url"]:
        pages.append(as_alice.get(pages[-1]["older_url"]).context)
    back = as_alice.get(pages[-1]["newer_url"]).context

    assert [run.id for page in pages for run in page["runs"]] == ids
    assert [run.id for run in back["runs"]] == ids[40:50]
    assert "runs=successful" in pages[1]["newer_url"]
    assert pages[0]["newer_url"] == ""


def test_rows_name_who_started_a_run(project: Project, alice: User, as_alice: Client) -> None:
    orchestration = builders.build_orchestration(project, [task(builders.build_configuration(project))])
    build_job(orchestration, created_by=alice)
    build_job(orchestration, cause=Cause.SCHEDULE)
    build_job(orchestration, JobStatus.TERMINATED, cause=Cause.API, terminated_by="Oscar")

    runs = as_alice.get(reverse("orchestration", args=[project.pk, orchestration.pk])).context["runs"]

    assert [(run.by.name, run.by.is_machine, run.note) for run in runs] == [
        ("API", True, "by Oscar"),
        ("Schedule", True, ""),
        ("Alice", False, ""),
    ]


def test_an_active_run_says_what_runs_in_it(world: World, as_alice: Client) -> None:
    run = build_job(world.orchestration, JobStatus.PROCESSING)
    build_child(run, world.writer, "publish", JobStatus.SUCCESS)
    build_child(run, world.extractor, "orders", JobStatus.PROCESSING)

    runs = as_alice.get(reverse("orchestration", args=[world.project.pk, world.orchestration.pk])).context["runs"]

    assert runs[0].note == "1 done, Orders is running"
    assert runs[1].note == f"Job {run.pk} of the same orchestration is processing."


def test_times_are_shown_in_the_zone_of_the_viewer(world: World, alice: User, as_alice: Client) -> None:
    alice.time_zone = "Asia/Kathmandu"
    alice.save(update_fields=["time_zone"])

    text = as_alice.get(reverse("orchestration", args=[world.project.pk, world.orchestration.pk])).text

    assert "Times in Asia/Kathmandu" in text
    assert "+0545 (Asia/Kathmandu)" in text


@pytest.mark.parametrize(("target", "fragment"), [("orchestration", "<tr id="), ("switch", "<form")])
def test_the_switch_answers_with_what_it_is_in(target: str, fragment: str, world: World, as_alice: Client) -> None:
    address = reverse("orchestration-switch", args=[world.project.pk, world.orchestration.pk])
    headers = {**HTMX, "HX-Target": f"{target}-{world.orchestration.pk}"}

    text = as_alice.post(address, {"enabled": "0"}, headers=headers).text

    assert text.lstrip().startswith(fragment)
    assert 'aria-checked="false"' in text
    assert Configuration.objects.get(pk=world.orchestration.pk).is_disabled


def test_switching_is_one_version_and_doing_it_twice_is_none(world: World, as_alice: Client) -> None:
    address = reverse("orchestration-switch", args=[world.project.pk, world.orchestration.pk])

    answers = [as_alice.post(address, {"enabled": "0"})["Location"] for _ in range(2)]
    from_list = as_alice.post(address, {"enabled": "1", "from": "list"})["Location"]

    assert answers == [reverse("orchestration", args=[world.project.pk, world.orchestration.pk])] * 2
    assert from_list == reverse("orchestrations", args=[world.project.pk])
    descriptions = world.orchestration.versions.order_by("version").values_list("change_description", flat=True)
    assert list(descriptions) == ["Create orchestration", "Disable", "Enable"]


def names_on(page: str) -> list[str]:
    return re.findall(r'id="orchestration-\d+-name">([^<]*)<', page)


@pytest.fixture
def many(project: Project) -> Project:
    """Six orchestrations whose last runs took 1, 2 … minutes and ended in different ways; the last has not run."""
    component = builders.build_configuration(project)
    ends = [JobStatus.SUCCESS, JobStatus.ERROR, JobStatus.WARNING, JobStatus.TERMINATED, JobStatus.WAITING, None]
    for number, status in enumerate(ends, 1):
        orchestration = builders.build_orchestration(project, [task(component)], name=f"Number {number} Žluťoučký")
        if number in (2, 6):
            Configuration.objects.filter(pk=orchestration.pk).update(
                description="Stock levels", is_disabled=number == 6
            )
        if status is not None:
            build_job(orchestration, JobStatus.SUCCESS)
            begun = NOW - timedelta(hours=number)
            times = {"created_at": begun, "started_at": begun, "finished_at": begun + timedelta(minutes=number)}
            build_job(orchestration, status, **(times if status in SETTLED else {"created_at": begun}))
    return project


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, "123456"),
        ({"q": "number 2"}, "2"),
        ({"q": "STOCK"}, "26"),
        ({"q": "stock 6"}, "6"),
        ({"q": "žluťOUČKÝ 3"}, "3"),
        ({"q": "%"}, ""),
        ({"q": "nothing like it"}, ""),
        ({"last": "success"}, "1"),
        ({"last": "failed"}, "24"),
        ({"last": "warning"}, "3"),
        ({"last": "waiting"}, "5"),
        ({"last": "processing"}, ""),
        ({"last": "never"}, "6"),
        ({"enabled": "no"}, "6"),
        ({"enabled": "yes", "q": "stock"}, "2"),
        ({"sort": "last"}, "123456"),
        ({"sort": "duration"}, "432156"),
        ({"sort": "attention"}, "234516"),
        ({"sort": "unknown", "last": "unknown", "enabled": "unknown", "page": "x"}, "123456"),
        ({"page": "9"}, "123456"),
    ],
)
def test_the_address_says_which_are_shown(query: dict[str, str], numbers: str, many: Project, as_alice: Client) -> None:
    text = as_alice.get(reverse("orchestrations", args=[many.pk]), query).text

    assert "".join(name.split()[1] for name in names_on(text)) == numbers


@pytest.fixture
def automated(many: Project) -> dict[int, Configuration]:
    """By number. 1 and 3 have schedules, 3 is due first; 2 has a trigger, 4 both; 6 is disabled, else it was due."""
    found = {int(each.name.split()[1]): each for each in many.configurations.filter(component_id=ORCHESTRATOR)}
    for number, hours in ((1, 3), (3, 1), (3, 2), (4, 4), (6, 0)):
        builders.build_schedule(found[number], "13 0 * * *", next_run_at=NOW + timedelta(hours=hours))
    for number in (2, 4):
        builders.build_trigger(found[number], builders.build_table(many, f"in.c-shop.orders{number}"))
    return found


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"starts": "schedule"}, "1346"),
        ({"starts": "trigger"}, "24"),
        ({"starts": "none"}, "5"),
        ({"starts": "unknown"}, "123456"),
        ({"sort": "next"}, "314256"),
        ({"sort": "next", "starts": "trigger"}, "42"),
    ],
)
def test_they_are_found_by_how_they_start(
    query: dict[str, str], numbers: str, many: Project, automated: dict[int, Configuration], as_alice: Client
) -> None:
    text = as_alice.get(reverse("orchestrations", args=[many.pk]), query).text

    assert "".join(name.split()[1] for name in names_on(text)) == numbers


def test_a_row_says_how_it_starts(many: Project, automated: dict[int, Configuration], as_alice: Client) -> None:
    automated[1].schedules.update(is_enabled=False, next_run_at=None)

    rows = as_alice.get(reverse("orchestrations", args=[many.pk])).text.split("<tr id=")[1:]

    said = [row.split('<td class="c-starts">')[1].split("</td>")[0] for row in rows]
    assert "Every day at 00:13, UTC" in said[0] and "Switched off" in said[0]
    assert "When tables are updated" in said[1] and "Next" not in said[1]
    assert "2 schedules" in said[2] and "Next" in said[2]
    assert "Every day at 00:13, UTC, when tables are updated" in said[3]
    assert "By hand" in said[4]
    assert "Disabled: schedule and trigger are ignored" in said[5] and "Next" not in said[5]


def test_its_row_keeps_saying_it_when_it_is_switched(
    many: Project, automated: dict[int, Configuration], as_alice: Client
) -> None:
    pk = automated[1].pk
    headers = {**HTMX, "HX-Target": f"orchestration-{pk}"}

    row = as_alice.post(reverse("orchestration-switch", args=[many.pk, pk]), {"enabled": "0"}, headers=headers).text

    assert "Every day at 00:13, UTC" in row and "Disabled: schedule and trigger are ignored" in row


def test_only_who_may_change_it_has_a_menu(world: World, as_alice: Client, as_bob: Client, as_oscar: Client) -> None:
    address = reverse("orchestrations", args=[world.project.pk])

    offered = {
        name: "Move to Trash" in client.get(address).text
        for name, client in {"admin": as_alice, "viewer": as_bob, "operator": as_oscar}.items()
    }

    assert offered == {"admin": True, "viewer": False, "operator": False}


def test_what_matches_nothing_is_cleared_by_one_link(many: Project, as_alice: Client) -> None:
    address = reverse("orchestrations", args=[many.pk])

    text = as_alice.get(address, {"q": "nothing"}).text

    assert "No orchestration matches" in text
    assert f'href="{address}">Clear' in text
    assert "What are orchestrations" not in text


def test_the_page_keeps_what_was_asked_for(many: Project, as_alice: Client) -> None:
    text = as_alice.get(reverse("orchestrations", args=[many.pk]), {"q": 'a "word"', "last": "failed"}).text

    assert 'value="a &quot;word&quot;"' in text
    assert 'name="last" value="failed" checked' in text


def test_each_filter_says_how_many_it_would_leave_also_after_a_tick(many: Project, as_alice: Client) -> None:
    address = reverse("orchestrations", args=[many.pk])

    page = as_alice.get(address, {"last": "failed"}).text
    tick = as_alice.get(address, {"last": "failed"}, headers=HTMX).text

    counts = re.findall(r'id="last-(\w+)-count"(?: hx-swap-oob="true")?>(\d+)<', page)
    assert re.findall(r'id="last-(\w+)-count" hx-swap-oob="true">(\d+)<', tick) == counts
    every, *others = [int(number) for _, number in counts]
    assert every == sum(others) == len(Configuration.objects.filter(component_id=ORCHESTRATOR))
    assert dict(counts)["failed"] == str(tick.count('<tr id="orchestration-'))


def test_a_search_sets_the_shortest_address_and_a_tick_sets_none(many: Project, as_alice: Client) -> None:
    address = reverse("orchestrations", args=[many.pk])
    asked = {"q": "stock", "last": "", "enabled": "", "sort": ""}

    search = as_alice.get(address, asked, headers={**HTMX, "HX-Trigger": "overview-filters"})
    tick = as_alice.get(address, asked, headers=HTMX)

    assert search["HX-Replace-Url"] == f"{address}?q=stock"
    assert "HX-Replace-Url" not in tick
    assert f'hx-get="{address}?q=stock"' in tick.text


def test_many_orchestrations_have_pages(project: Project, as_alice: Client) -> None:
    for number in range(40):
        builders.build_orchestration(project, name=f"Number {number:02}")
    address = reverse("orchestrations", args=[project.pk])

    first = as_alice.get(address, {"sort": "last"})
    second = as_alice.get(first.context["next_url"])

    assert names_on(first.text) + names_on(second.text) == [f"Number {number:02}" for number in range(40)]
    assert first.context["next_url"] == f"{address}?sort=last&page=2"
    assert second.context["previous_url"] == f"{address}?sort=last"
    assert second.context["next_url"] == ""


def test_switching_what_was_trashed_meanwhile_is_not_found(
    world: World, as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = queries.find_orchestration

    def find_and_lose(*arguments: Any) -> Any:
        found = find(*arguments)
        editing.trash(world.orchestration, actor=builders.admin_of(world.project), now=NOW)
        return found

    monkeypatch.setattr(queries, "find_orchestration", find_and_lose)

    response = as_alice.post(
        reverse("orchestration-switch", args=[world.project.pk, world.orchestration.pk]), {"enabled": "0"}
    )

    assert response.status_code == 404
