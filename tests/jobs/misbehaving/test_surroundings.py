"""What a process finds around itself: nothing of ours but what it is meant to have."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrations.models import Project
from tests.jobs.misbehaving.leftovers import log_of
from tests.jobs.performing import Performer, build_python

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_of_our_environment_reaches_it(
    project: Project, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTTI_SECRET_KEY", "the-key-of-this-site")
    monkeypatch.setenv("DATABASE_URL", "postgres://user:password@host/db")

    job = performer.run(
        build_python(project, "import os; print(sorted(os.environ)); print(os.listdir('/proc/self/fd'))")
    )

    text = log_of(job)
    assert "SECRET_KEY" not in text
    assert "DATABASE_URL" not in text
    assert "'KBC_DATADIR'" in text
    assert "['0', '1', '2', '3']" in text


@pytest.mark.parametrize(("allowed", "told"), [(["10.0.0.0/8", "nas"], "10.0.0.0/8,nas"), (True, "yes"), (False, "no")])
def test_it_is_told_what_the_administrator_allows(
    project: Project, performer: Performer, settings: Any, allowed: object, told: str
) -> None:
    settings.FILES_DIRS, settings.ALLOW_PRIVATE_ADDRESSES = ["/srv/in:ro", "/srv/out"], allowed
    code = "import os; print(os.environ['TUTTI_FILES_DIRS'], os.environ['TUTTI_ALLOW_PRIVATE_ADDRESSES'])"

    job = performer.run(build_python(project, code))

    assert f"/srv/in:ro,/srv/out {told}" in log_of(job)
