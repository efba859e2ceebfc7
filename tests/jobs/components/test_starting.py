"""The programs of components begin as their declarations say: other tests only fork them (tests/jobs/warm.py)."""

import json

import pytest

from orchestrations.components import catalogue
from orchestrations.components.declarations import Component
from tests.jobs import warm
from tests.jobs.components.data_folders import JobFolder

FORKED = [each for each in catalogue.all() if each.command and warm.can_run(each.command)]


@pytest.mark.parametrize("component", FORKED, ids=lambda component: component.id)
def test_it_starts_by_a_python_of_its_own_and_ends_as_it_does_in_a_fork(component: Component, job: JobFolder) -> None:
    assert component.command is not None
    (job.data / "config.json").write_text(json.dumps({"action": "explode", "parameters": {}}), encoding="utf-8")

    cold, forked = (job.start(component.command, cold=cold) for cold in (True, False))

    assert "ImportError" not in cold.stderr
    assert (forked.returncode, forked.stdout, forked.stderr) == (cold.returncode, cold.stdout, cold.stderr)
