"""What stands around every page: projects, health of the workers, theme, login and logout."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Cluster, Job
from jobs.states import JobStatus
from orchestrations.models import Project, User
from tests import builders
from tests.pages.rows import build_job
from tests.pages.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def frame_of(client: Client, project: Project) -> dict[str, object]:
    frame: dict[str, object] = client.get(reverse("orchestrations", args=[project.pk])).context["frame"]
    return frame


def build_heartbeat(seconds_ago: float) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Cluster.objects.create(owner=f"here-{seconds_ago}", host="here", workers=4, started_at=at, heartbeat_at=at)
    builders.build_scheduler(heartbeat_at=at)


def test_it_says_how_many_workers_are_free(world: World, as_alice: Client) -> None:
    build_heartbeat(1)
    job = build_job(world.extractor, JobStatus.PROCESSING)
    job.owner = "here-1"
    job.save(update_fields=["owner"])

    assert frame_of(as_alice, world.project)["health"] == {
        "status": "success",
        "sentence": "3 of 4 workers free",
        "url": f"/projects/{world.project.pk}/#health",
    }


def test_it_says_since_when_no_worker_is_alive(project: Project, alice: User, as_alice: Client) -> None:
    never = frame_of(as_alice, project)["health"]
    build_heartbeat(3 * 24 * 3600)
    since = timezone.now() - timedelta(days=3)

    health = frame_of(as_alice, project)["health"]

    url = f"/projects/{project.pk}/#health"
    assert never == {"status": "error", "sentence": "no worker has ever been alive", "url": url}
    assert health == {"status": "error", "sentence": f"no worker is alive since {since:%Y-%m-%d %H:%M}", "url": url}


def test_it_says_since_when_no_scheduler_is_alive(project: Project, alice: User, as_alice: Client) -> None:
    builders.build_cluster()
    never = frame_of(as_alice, project)["health"]
    before = timezone.now() - timedelta(days=3)
    builders.build_scheduler(heartbeat_at=before)

    health = frame_of(as_alice, project)["health"]

    effect = "schedules and triggers start nothing"
    assert never["sentence"] == f"no scheduler has ever been alive: {effect}"  # type: ignore[index]
    assert health["sentence"] == f"no scheduler is alive since {before:%Y-%m-%d %H:%M}: {effect}"  # type: ignore[index]
    assert health["status"] == "error"  # type: ignore[index]


def test_it_lists_the_projects_of_the_person_alone(project: Project, alice: User, bob: User, as_alice: Client) -> None:
    own = builders.build_project(alice, "Another")
    builders.build_project(bob, "Not hers")

    frame = frame_of(as_alice, own)

    assert [(each["name"], each["current"]) for each in frame["projects"]] == [  # type: ignore[attr-defined]
        ("Analytics", False),
        ("Another", True),
    ]
    assert [each["label"] for each in frame["nav"] if each["current"]] == ["Orchestrations"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("sent", "kept"), [("dark", "dark"), ("light", "light"), ("", "system")])
def test_the_theme_is_kept(sent: str, kept: str, alice: User, as_alice: Client) -> None:
    response = as_alice.post("/theme/", {"theme": sent, "next": "/projects/1/jobs/?before=3"})

    alice.refresh_from_db()
    assert (alice.theme, response["Location"]) == (kept, "/projects/1/jobs/?before=3")


def test_an_unknown_theme_is_refused(alice: User, as_alice: Client) -> None:
    response = as_alice.post("/theme/", {"theme": "pink"})

    alice.refresh_from_db()
    assert (response.status_code, alice.theme) == (422, "system")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere(elsewhere: str, alice: User, as_alice: Client) -> None:
    assert as_alice.post("/theme/", {"theme": "dark", "next": elsewhere})["Location"] == "/"


def test_somebody_logs_in_looks_and_logs_out(project: Project, client: Client) -> None:
    wanted = reverse("orchestrations", args=[project.pk])
    gate = client.get(wanted)["Location"]

    wrong = client.post(gate, {"username": "alice@example.org", "password": "wrong"})
    right = client.post(gate, {"username": "alice@example.org", "password": builders.PASSWORD})
    page = client.get(right["Location"])
    out = client.post("/logout/")

    assert wrong.status_code == 200
    assert 'role="alert"' in wrong.text
    assert right["Location"] == wanted
    assert "Alice" in page.text
    assert out["Location"] == "/login/"
    assert client.get(wanted).status_code == 302


def test_the_profile_leads_back_to_the_project_it_was_reached_from(
    project: Project, bob: User, as_alice: Client
) -> None:
    of_bob = builders.build_project(bob, "Bob's own")
    link = str(frame_of(as_alice, project)["profile_url"])

    assert as_alice.get(link).context["frame"]["project"] == project
    assert as_alice.get("/profile/", {"project": of_bob.pk}).context["frame"]["project"] is None
    assert as_alice.get("/profile/", {"project": "x"}).context["frame"]["nav"] == []


def test_a_run_belongs_to_the_orchestrations_and_its_tasks_to_the_jobs(world: World, as_alice: Client) -> None:
    def marked(job: Job) -> list[str]:
        frame = as_alice.get(reverse("job", args=[world.project.pk, job.pk])).context["frame"]
        return [entry["label"] for entry in frame["nav"] if entry["current"]]

    assert marked(world.failed_run) == ["Orchestrations"]
    assert marked(world.child) == ["Jobs"]


@pytest.mark.parametrize(
    ("name", "of", "label"),
    [
        ("versions", "orchestration", "Orchestrations"),
        ("configuration-copy", "orchestration", "Orchestrations"),
        ("schedule-new", "orchestration", "Orchestrations"),
        ("event-trigger", "orchestration", "Orchestrations"),
        ("schedule", "schedule", "Orchestrations"),
        ("next-starts", "", "Orchestrations"),
        ("versions", "extractor", "Components"),
        ("configuration-copy", "extractor", "Components"),
    ],
)
def test_a_page_says_in_which_part_it_lies(name: str, of: str, label: str, world: World, as_alice: Client) -> None:
    address = [world.project.pk, *([getattr(world, of).pk] if of else [])]
    page = as_alice.get(reverse(name, args=address))

    assert [entry["label"] for entry in page.context["frame"]["nav"] if entry["current"]] == [label]


@pytest.mark.parametrize("name", ["schedule-new", "event-trigger", "event-trigger-inspector", "orchestration-token"])
def test_the_way_to_a_page_of_an_orchestration_begins_at_the_list(name: str, world: World, as_alice: Client) -> None:
    page = as_alice.get(reverse(name, args=[world.project.pk, world.orchestration.pk])).text

    way = page.partition('aria-label="Breadcrumb">')[2].partition("</nav>")[0]
    assert way.startswith(f'<a href="{reverse("orchestrations", args=[world.project.pk])}">Orchestrations</a>')
    assert world.orchestration.name in way


def test_logging_out_by_a_link_is_refused(as_alice: Client) -> None:
    assert as_alice.get("/logout/").status_code == 405
    assert as_alice.get("/theme/").status_code == 405


def test_a_fragment_asks_nothing_for_the_frame(world: World, as_alice: Client) -> None:
    response = as_alice.get(reverse("jobs", args=[world.project.pk]), headers={"HX-Request": "true"})

    assert "workers" not in response.text
    assert "<html" not in response.text
