"""A component written with the published package ``keboola.component`` runs unchanged (DESIGN §6)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.states import JobStatus
from orchestrations.components import catalogue
from orchestrations.models import Configuration, Project, Table
from tests import builders
from tests.jobs.carrying.world import rows_of, seed
from tests.jobs.performing import Performer

pytestmark = pytest.mark.django_db(transaction=True)

MAIN = """
import csv
import logging
import sys

from keboola.component.base import ComponentBase
from keboola.component.dao import BaseType, ColumnDefinition
from keboola.component.exceptions import UserException


class Component(ComponentBase):
    def run(self):
        (orders,) = self.get_input_tables_definitions()
        logging.info("%s has the key %s", orders.id, orders.primary_key)
        runs = self.get_state_file().get("runs", 0)
        if self.configuration.parameters["factor"] == 0:
            raise UserException("The factor must not be 0.")
        result = self.create_out_table_definition(
            "doubled.csv",
            destination="out.c-keboola.doubled",
            incremental=True,
            primary_key=["id"],
            schema={
                "id": ColumnDefinition(data_types=BaseType.integer(), primary_key=True),
                "amount": ColumnDefinition(),
            },
        )
        with open(orders.full_path, newline="") as source, open(result.full_path, "w", newline="") as to:
            writer = csv.DictWriter(to, ["id", "amount"])
            writer.writerows(
                {"id": row["id"], "amount": int(row["amount"]) * self.configuration.parameters["factor"]}
                for row in csv.DictReader(source)
            )
        self.write_manifest(result)
        self.write_state_file({"runs": runs + 1})


try:
    Component().execute_action()
except UserException as error:
    print(error, file=sys.stderr)
    sys.exit(1)
"""


@pytest.fixture
def component(settings: Any, tmp_path: Path) -> str:
    folder = tmp_path / "components" / "public"
    folder.mkdir(parents=True)
    declaration = {
        "id": "acme.app-public",
        "name": "Public",
        "kind": "application",
        "command": ["{python}", "{folder}/main.py"],
    }
    (folder / "component.json").write_text(json.dumps(declaration))
    (folder / "main.py").write_text(MAIN)
    settings.COMPONENTS_DIR = tmp_path / "components"
    catalogue.reload()
    return "acme.app-public"


def build(project: Project, component: str, factor: int) -> Configuration:
    storage = {"input": {"tables": [{"source": "in.c-shop.orders", "destination": "orders.csv"}]}}
    document = {"parameters": {"factor": factor}, "storage": storage}
    return builders.build_configuration(project, component_id=component, document=document)


def test_it_reads_tables_writes_others_and_keeps_its_state(
    project: Project, performer: Performer, component: str
) -> None:
    seed(project, "id,amount\n1,10\n2,16\n", "in.c-shop.orders")
    configuration = build(project, component, 2)

    for runs in (1, 2):
        job = performer.run(configuration)
        assert job.status == JobStatus.SUCCESS, job.message
        configuration.refresh_from_db()
        assert configuration.state == {"component": {"runs": runs}}

    assert rows_of("out.c-keboola.doubled") == [{"id": "1", "amount": "20"}, {"id": "2", "amount": "32"}]
    table = Table.objects.get(name="doubled")
    assert (table.primary_key, table.revision) == (["id"], 1)


def test_its_user_error_is_the_message_and_nothing_is_kept(
    project: Project, performer: Performer, component: str
) -> None:
    seed(project, "id,amount\n1,10\n", "in.c-shop.orders")
    configuration = build(project, component, 0)

    job = performer.run(configuration)

    assert (job.status, job.error_type) == (JobStatus.ERROR, "user")
    assert "The factor must not be 0." in job.message
    configuration.refresh_from_db()
    assert configuration.state == {} and not Table.objects.filter(name="doubled").exists()
