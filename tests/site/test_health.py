"""``/health``: what a monitor may know, and what it learns when a part is dead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from jobs.models import Cluster
from orchestration_site import health
from orchestrations.models import Project
from scheduling.models import Scheduler
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def scheduler(db: None) -> Scheduler:
    return builders.build_scheduler()


def test_an_anonymous_monitor_learns_that_all_is_well_and_nothing_else(client: Client) -> None:
    builders.build_cluster()

    answer = client.get("/health")

    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("stopped", [False, True])
def test_no_worker_alive_is_503(stopped: bool, client: Client) -> None:
    builders.build_cluster()
    before = timezone.now() - timedelta(minutes=5)
    Cluster.objects.update(**({"stopped_at": before} if stopped else {"heartbeat_at": before}))

    answer = client.get("/health/")

    assert (answer.status_code, answer.json()) == (503, {"ok": False})


def test_a_person_sees_the_figures(as_alice: Client, project: Project) -> None:
    claimant = builders.build_cluster(workers=3)
    builders.launch(builders.build_configuration(project))
    builders.claim(claimant)

    answer = as_alice.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "database": "reachable",
        "workers": 3,
        "freeWorkers": 2,
        "noWorkerSince": None,
        "schedulers": 1,
        "noSchedulerSince": None,
    }


def test_a_person_sees_since_when_no_worker_is_alive(as_alice: Client) -> None:
    builders.build_cluster()
    before = timezone.now() - timedelta(minutes=5)
    Cluster.objects.update(heartbeat_at=before)

    answer = as_alice.get("/health")

    assert answer.status_code == 503
    assert answer.json()["noWorkerSince"] == before.isoformat()


@pytest.mark.parametrize("stopped", [False, True])
def test_no_scheduler_alive_is_503(stopped: bool, client: Client, as_alice: Client) -> None:
    builders.build_cluster()
    before = timezone.now() - timedelta(minutes=5)
    Scheduler.objects.update(**({"stopped_at": before} if stopped else {"heartbeat_at": before}))

    answer = as_alice.get("/health")

    assert (answer.status_code, answer.json()["ok"], answer.json()["schedulers"]) == (503, False, 0)


def test_a_database_that_is_away_is_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(now: Any) -> Any:
        raise OperationalError("connection refused by db.example.org")

    monkeypatch.setattr(health, "look", away)

    answer = client.get("/health")

    assert (answer.status_code, answer.json()) == (503, {"ok": False})


def test_a_monitor_is_not_sent_to_https(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    builders.build_cluster()

    assert client.get("/health").status_code == 200
    assert client.get("/").status_code == 301


def test_other_methods_are_refused(client: Client) -> None:
    assert client.post("/health").status_code == 405
