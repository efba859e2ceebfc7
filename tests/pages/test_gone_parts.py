"""Pages of orchestrations and jobs whose parts have gone since: a sentence, never a failure of ours."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import editing
from orchestrations.models import Configuration, Project, User
from tests import builders
from tests.builders import NOW, admin_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


@pytest.fixture
def part(project: Project) -> Configuration:
    return builders.build_configuration(project)


@pytest.fixture
def orchestration(project: Project, part: Configuration) -> Configuration:
    return builders.build_orchestration(project, [builders.task(part)])


def test_what_names_a_purged_configuration_can_still_be_switched_off(
    as_alice: Client, project: Project, orchestration: Configuration, part: Configuration
) -> None:
    editing.trash(part, actor=admin_of(project), now=NOW)
    part.refresh_from_db()
    editing.purge(part, actor=admin_of(project))

    answer = as_alice.post(reverse("orchestration-switch", args=[project.pk, orchestration.pk]), {"enabled": "0"})

    orchestration.refresh_from_db()
    assert (answer.status_code, orchestration.is_disabled) == (302, True)


def test_a_job_of_a_component_that_is_gone_says_so_when_retried(
    as_alice: Client, project: Project, part: Configuration
) -> None:
    job = builders.launch(part)
    Job.objects.filter(pk=job.pk).update(component_id="gone", status=JobStatus.SUCCESS, finished_at=NOW)

    answer = as_alice.post(reverse("job-retry", args=[project.pk, job.pk]))

    assert answer.status_code == 422
    assert "There is no component &quot;gone&quot;." in answer.content.decode()


@pytest.mark.parametrize("text", ["9" * 5000, "-1", "²", "x", ""])
def test_a_phase_that_is_no_number_leads_to_the_whole_dialog(
    as_alice: Client, project: Project, orchestration: Configuration, text: str
) -> None:
    url = reverse("orchestration-run", args=[project.pk, orchestration.pk])

    answer = as_alice.get(url, {"from": text})

    assert answer.status_code == 200


def test_a_form_of_an_old_page_is_refused_in_our_own_words(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    answer = client.post(reverse("theme"), {"theme": "dark"})

    assert answer.status_code == 403
    assert "This page was too old" in answer.content.decode()
