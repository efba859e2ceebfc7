"""An orchestration, and two tables that it may wait for."""

from __future__ import annotations

import pytest

from orchestrations.models import Configuration, Project, Table
from tests import builders
from tests.builders import task


@pytest.fixture
def orchestration(project: Project) -> Configuration:
    return builders.build_orchestration(project, [task(builders.build_configuration(project))], name="Daily load")


@pytest.fixture
def orders(project: Project) -> Table:
    return builders.build_table(project, "in.c-sales.orders")


@pytest.fixture
def accounts(project: Project) -> Table:
    return builders.build_table(project, "in.c-sales.accounts")
