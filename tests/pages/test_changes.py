"""What the retry dialog says of changes since the job."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from jobs.queries import changes
from orchestrations import editing
from orchestrations.editing import Content
from tests import builders
from tests.builders import NOW
from tests.pages.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def test_sentences_stand_before_the_saves_and_are_not_endless(
    world: World, as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_sentences", lambda job: [f"Task {number} was added." for number in range(10)])
    editing.update(
        world.orchestration,
        Content(description="New"),
        actor=builders.admin_of(world.project),
        now=NOW,
        change_description="Say what it is for",
    )

    response = as_alice.get(reverse("job-retry", args=[world.project.pk, world.failed_run.pk]))

    assert response.context["changes"].more_count == 2
    assert response.text.index("Task 7 was added.") < response.text.index("#2 Say what it is for")
    assert "and 2 more" in response.text
    assert "Task 8 was added." not in response.text


def test_an_unchanged_orchestration_says_nothing(world: World, as_alice: Client) -> None:
    response = as_alice.get(reverse("job-retry", args=[world.project.pk, world.failed_run.pk]))

    assert response.context["changes"] == changes.Changes()
    assert "Changed since that job" not in response.text
