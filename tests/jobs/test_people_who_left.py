"""A job that a person asked for by their own token starts only while that person may still run it (R18)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from jobs import advancing, launching, loading
from jobs.models import Job
from jobs.preparing import Attempt, CannotStart, prepare
from jobs.states import JobStatus
from orchestrations.access import Actor
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Project, Role, Token, User
from tests import builders

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def attempt(project: Project, alice: User, token: tuple[Token, str]) -> Attempt:
    """Of a job that has been claimed and not begun."""
    builders.launch(builders.build_configuration(project), actor=Actor(user=alice, token=token[0]))
    (claim,) = builders.claim(builders.build_cluster())
    return Attempt(claim.job_id, claim.fence)


def start(attempt: Attempt) -> None:
    job = loading.attempt(attempt.job_id, attempt.fence)
    assert job is not None
    prepare(job, attempt, now=timezone.now())


def test_it_starts_while_the_person_may_run_it(attempt: Attempt) -> None:
    start(attempt)

    assert (attempt.data / "config.json").exists()


def test_it_does_not_start_when_the_person_may_only_look(attempt: Attempt, project: Project) -> None:
    project.memberships.update(role=Role.VIEWER)

    with pytest.raises(CannotStart, match="needs the role operator"):
        start(attempt)
    assert not attempt.folder.exists()


def test_it_does_not_start_when_the_person_is_inactive(attempt: Attempt, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    with pytest.raises(CannotStart):
        start(attempt)


def test_a_deleted_token_is_not_replaced_by_the_rights_of_its_person(
    attempt: Attempt, project: Project, alice: User, token: tuple[Token, str]
) -> None:
    document = builders.document([builders.task(builders.build_configuration(project))])
    by_token = Actor(user=alice, token=token[0])
    request = launching.Request(data={"configData": document}, delay_seconds=3600)
    run = launching.launch(project, ORCHESTRATOR, None, request, actor=by_token, now=timezone.now())
    token[0].delete()
    Job.objects.filter(pk=run.pk).update(delayed_until=None)

    with pytest.raises(CannotStart, match="The token of this job has been deleted"):
        start(attempt)
    assert not attempt.folder.exists()
    assert advancing.start(run.pk, now=timezone.now())
    run.refresh_from_db()
    assert (run.status, run.message) == (JobStatus.ERROR, "The token of this job has been deleted.")
