"""The demo project: its programs do real work, and show every way in which a run can end."""

import csv
import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Q

from jobs.models import Job
from orchestration_site import demo
from orchestrations import editing
from orchestrations.access import Actor
from orchestrations.components import catalogue, parameters
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project, Table
from tests import builders
from tests.jobs.performing import Performer

Ran = subprocess.CompletedProcess[str]


def run_task(component_id: str, configuration: dict[str, Any], folder: Path) -> Ran:
    """The process that a job would run, in a data folder of its own and with files shared by all."""
    component = catalogue.get(component_id)
    parameters.validate(component, configuration)
    data = folder / f"data-{len(list(folder.iterdir()))}"
    data.mkdir()
    (data / "config.json").write_text(json.dumps(configuration), encoding="utf-8")
    given = configuration["parameters"]
    files = folder / "files"
    files.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "KBC_DATADIR": str(data),
        "TUTTI_PROJECT_FILES": str(files),
        "TUTTI_DEMO_DATA": str(demo.DATA),
    }
    return subprocess.run(
        component.command or given["command"],
        env={**environment, **given.get("environment", {})},
        cwd=data,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_phases(orchestration: str, folder: Path) -> dict[str, Ran]:
    """Every task in the order of the phases until one fails, as its name -> how its process ended."""
    definitions = {(component_id, each["id"]): each for component_id, each in demo.definitions()}
    document = definitions[catalogue.ORCHESTRATOR, orchestration]["configuration"]
    ends: dict[str, Ran] = {}
    for phase in document["phases"]:
        for task in (task for task in document["tasks"] if task["phase"] == phase["id"]):
            target = task["task"]["componentId"], task["task"]["configId"]
            ran = run_task(target[0], definitions[target]["configuration"], folder)
            ends[task["name"]] = ran
            if ran.returncode and not task["continueOnFailure"]:
                return ends
    return ends


@pytest.fixture
def performer(db: None) -> Iterator[Performer]:
    performer = Performer()
    yield performer
    performer.worker.nursery.close()


def run_whole(performer: Performer, configuration: Configuration) -> dict[str, str]:
    """A run with all its jobs, as the name of each -> how it ended and what it said."""
    run = builders.launch(configuration)
    while claims := builders.claim(performer.claimant):
        for claim in claims:
            performer.perform(claim)
    jobs = Job.objects.filter(Q(root=run) | Q(pk=run.pk))
    return {job.name: f"{job.status} {job.message}".strip() for job in jobs}


@pytest.mark.slow
@pytest.mark.one_database  # tests/site/test_up.py runs it on either, by a real cluster
@pytest.mark.django_db(transaction=True)
def test_daily_sales_moves_real_tables_to_a_database_a_report_and_a_file(
    project: Project, by_alice: Actor, now: datetime, performer: Performer, settings: Any
) -> None:
    demo.load(project, actor=by_alice, now=now)
    daily_sales = Configuration.objects.get(key="daily-sales")

    first = run_whole(performer, daily_sales)
    tables = {table.table_id: (table.rows, table.revision) for table in Table.objects.select_related("bucket")}
    second = run_whole(performer, daily_sales)

    assert (
        first
        == second
        == dict.fromkeys(
            [
                *("Daily sales", "Sales data", "Shop orders", "CRM customers", "Revenue targets", "Sales figures"),
                *(
                    "Clean sales data",
                    "Daily revenue",
                    "Customer insights",
                    "Sales mart",
                    "Sales report",
                    "Revenue file",
                ),
            ],
            "success",
        )
    )
    assert {table_id: rows for table_id, (rows, _) in tables.items()} == {
        "in.c-shop.orders": 19987,
        "in.c-crm.customers": 2014,
        "in.c-planning.targets": 24,
        "out.c-sales.orders": 19935,
        "out.c-sales.customers": 2000,
        "out.c-sales.daily_revenue": 696,
        "out.c-sales.plan_fulfilment": 24,
        "out.c-sales.top_customers": 50,
        "out.c-sales.cohorts": 21,
    }
    files = Path(settings.DATA_DIR) / "projects" / str(project.pk) / "files"
    assert "Best customers" in (files / "reports/daily_sales.html").read_text(encoding="utf-8")
    with (files / "reports/daily_revenue.csv").open(encoding="utf-8", newline="") as file:
        assert {row["region"] for row in csv.DictReader(file, delimiter=";")} == {"Central", "North", "South", "West"}
    with closing(sqlite3.connect(files / "sales_mart.sqlite")) as mart:
        assert mart.execute("SELECT count(*), count(DISTINCT region) FROM daily_revenue").fetchone() == (696, 4)
        assert mart.execute("SELECT count(*) FROM top_customers").fetchone() == (50,)


def test_the_supplier_feed_fails_in_its_second_phase_and_names_the_row(tmp_path: Path) -> None:
    ends = run_phases("supplier-feed", tmp_path)

    assert [(name, ran.returncode) for name, ran in ends.items()] == [
        ("Fetch supplier feed", 0),
        ("Supplier prices", 1),
    ]
    assert ends["Supplier prices"].stderr == (
        'supplier_prices.csv, row 413 (HG-2411): the price "1,249.O0" is not a number.\n'
    )


def test_the_audience_export_goes_on_when_the_ad_platform_fails(tmp_path: Path) -> None:
    ends = run_phases("audience-export", tmp_path)

    assert [name for name, ran in ends.items() if ran.returncode] == ["Ad platform upload"]
    assert ends["Ad platform upload"].returncode == 1
    assert "/mnt/ad-platform/inbox/" in ends["Ad platform upload"].stderr
    assert ends["Audience log"].stdout.endswith(" people\n")


def test_a_path_with_quotes_in_it_reaches_the_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / 'it\'s "odd"'
    odd.mkdir()
    for file in demo.DATA.iterdir():
        (odd / file.name).symlink_to(file)
    monkeypatch.setattr(demo, "DATA", odd)

    ends = [*run_phases("audience-export", tmp_path).values(), *run_phases("supplier-feed", tmp_path).values()]

    assert [ran.returncode for ran in ends] == [0, 0, 1, 0, 0, 1]


def test_no_configuration_knows_where_the_product_is_installed() -> None:
    """So that the demo goes on working when the checkout is moved, or is another one after an upgrade."""
    assert str(demo.FOLDER.parent) not in json.dumps(demo.definitions())
    assert "demo_data}" not in json.dumps(demo.definitions())


def test_the_shipped_data_is_small() -> None:
    assert sum(file.stat().st_size for file in demo.DATA.iterdir()) < 1_500_000


def test_loading_creates_configurations_and_orchestrations(project: Project, by_alice: Actor, now: datetime) -> None:
    added = demo.load(project, actor=by_alice, now=now)

    assert len(added) == len(demo.definitions()) == Configuration.objects.in_project(project).count()
    runs = Configuration.objects.in_project(project).filter(component_id=catalogue.ORCHESTRATOR)
    assert {run.name for run in runs} == {
        *("Sales data", "Sales figures", "Daily sales", "Supplier feed", "Audience export")
    }


def test_loading_twice_adds_nothing_and_keeps_edits_and_the_trash(
    project: Project, by_alice: Actor, now: datetime
) -> None:
    demo.load(project, actor=by_alice, now=now)
    edited = Configuration.objects.get(key="shop-orders")
    editing.update(edited, Content(name="Orders"), actor=by_alice, now=now)
    editing.trash(Configuration.objects.get(key="supplier-feed"), actor=by_alice, now=now)

    added = demo.load(project, actor=by_alice, now=now)

    assert added == []
    assert Configuration.objects.get(key="shop-orders").name == "Orders"
    assert Configuration.objects.get(key="supplier-feed").deleted_at is not None
