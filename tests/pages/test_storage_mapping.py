"""The tables of a configuration in its form: added, filled in, refused at their field, and never lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from orchestrations.models import Configuration, Project
from tests import builders
from tests.pages.test_configuration_form import form_of
from tests.pages.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

INPUT, OUTPUT = "s/input/tables", "s/output/tables"
STORED = {
    "input": {
        "tables": [
            {
                "source": "in.c-shop.orders",
                "destination": "orders.csv",
                "columns": ["id", "note "],
                "where_column": "status",
                "where_operator": "ne",
                "where_values": ["", "open"],
                "column_types": [{"source": "id"}],
            },
            {"source": "in.c-shop.refunds", "destination": "refunds.csv", "limit": 10},
        ],
        "files": [{"tags": ["x"]}],
    },
    "output": {"tables": [{"source": "r.csv", "destination": "out.c-r.days", "incremental": True}]},
}


@pytest.fixture
def configuration(project: Project) -> Configuration:
    return builders.build_configuration(
        project, document={"parameters": {"command": ["true"]}, "storage": STORED}, name="Revenue"
    )


@pytest.fixture
def url(configuration: Configuration) -> str:
    return reverse("configuration-edit", args=[configuration.project_id, configuration.pk])


def stored(configuration: Configuration) -> Any:
    configuration.refresh_from_db()
    return configuration.document.get("storage")


def test_saved_as_it_was_drawn_nothing_changes(url: str, configuration: Configuration, as_alice: Client) -> None:
    as_alice.post(url, form_of(as_alice.get(url).text) | {"action": "save"})

    assert stored(configuration) == STORED


def test_tables_are_added_filled_in_and_removed_without_javascript(project: Project, as_alice: Client) -> None:
    url = reverse("configuration-new", args=[project.pk, "command"])
    form = form_of(as_alice.get(url).text) | {"name": "Sums", "p/command/0": "true"}
    for action in (f"add:{INPUT}", f"add:{INPUT}", f"add:{OUTPUT}", f"remove:{INPUT}/0"):
        form = form_of(as_alice.post(url, form | {"action": action}).text)
    form |= {
        f"{INPUT}/0/source": "in.c-shop.orders",
        f"{INPUT}/0/columns": "id\r\n\r\n amount ",
        f"{INPUT}/0/limit": "50",
        f"{OUTPUT}/0/source": "sums.csv",
        f"{OUTPUT}/0/destination": "out.c-r.sums",
        f"{OUTPUT}/0/primary_key": "id",
        f"{OUTPUT}/0/incremental": "true",
    }

    as_alice.post(url, form | {"action": "save"})

    assert Configuration.objects.get(name="Sums").document["storage"] == {
        "input": {"tables": [{"source": "in.c-shop.orders", "columns": ["id", "amount"], "limit": 50}]},
        "output": {
            "tables": [
                {"source": "sums.csv", "destination": "out.c-r.sums", "primary_key": ["id"], "incremental": True}
            ]
        },
    }


def test_a_table_that_was_added_and_left_blank_is_dropped(
    url: str, configuration: Configuration, as_alice: Client
) -> None:
    form = form_of(as_alice.post(url, form_of(as_alice.get(url).text) | {"action": f"add:{INPUT}"}).text)

    as_alice.post(url, form | {"action": "save"})

    assert stored(configuration) == STORED


def test_what_is_wrong_stands_at_its_field_and_opens_what_is_folded(
    url: str, configuration: Configuration, as_alice: Client
) -> None:
    form = form_of(as_alice.get(url).text)
    form |= {f"{INPUT}/0/source": "shop.orders", f"{INPUT}/1/where_column": "status", f"{OUTPUT}/0/destination": ""}

    refused = as_alice.post(url, form | {"action": "save"})

    tree = refused.context["draft"].mapping
    errors = {field.name: field.error for field in tree.walk() if field.error}
    assert refused.status_code == 422
    assert errors == {
        f"{INPUT}/0/source": '"shop.orders" is not the id of a table, such as in.c-sales.orders.',
        f"{INPUT}/1/where_values": "It needs at least one value.",
        f"{OUTPUT}/0/destination": "It is required.",
    }
    assert refused.text.count('<details class="fold mapped__more" open>') == 3
    assert stored(configuration) == STORED


def test_a_file_that_two_tables_would_become_is_refused(url: str, as_alice: Client) -> None:
    form = form_of(as_alice.get(url).text) | {f"{INPUT}/1/destination": "orders.csv"}

    refused = as_alice.post(url, form | {"action": "save"})

    [error] = [field.error for field in refused.context["draft"].mapping.walk() if field.error]
    assert error == '"orders.csv" stands in storage.input.tables[0] already.'


def test_typed_as_json_it_is_checked_as_well(url: str, as_alice: Client) -> None:
    document = '{"parameters": {"command": ["true"]}, "storage": {"input": {"tables": [{"source": "x"}]}}}'

    refused = as_alice.post(f"{url}?as=json", {"name": "Revenue", "document": document, "action": "save"})

    assert refused.status_code == 422
    assert 'storage.input.tables[0].source: "x" is not the id of a table' in refused.context["draft"].text_error


def test_own_and_linked_tables_are_offered_to_read_and_own_ones_to_write(world: World, as_alice: Client) -> None:
    page = as_alice.get(reverse("configuration-edit", args=[world.project.pk, world.extractor.pk]))

    to_read = {each["id"]: each["words"] for each in page.context["tables"]}
    assert to_read == {
        "in.c-rates.daily": "91\u202f203 rows, shared by Finance",
        "in.c-shop.orders": "2 rows",
        "out.c-reports.empty": "0 rows",
    }
    assert {each["id"] for each in page.context["own_tables"]} == {"in.c-shop.orders", "out.c-reports.empty"}
    assert '<option value="in.c-rates.daily">' in page.text
