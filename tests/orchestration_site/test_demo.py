"""The demo project: its programs do real work, and show every way in which a run can end."""

import csv
import json
import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration_site import demo
from orchestrations import editing
from orchestrations.access import Actor
from orchestrations.components import catalogue, parameters
from orchestrations.editing import Content
from orchestrations.models import Configuration, Project

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
    environment = {"PATH": os.environ["PATH"], "KBC_DATADIR": str(data), "TUTTI_PROJECT_FILES": str(files)}
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


def test_daily_sales_turns_the_shops_data_into_a_report(tmp_path: Path) -> None:
    ends = run_phases("daily-sales", tmp_path)

    assert {name: ran.stderr for name, ran in ends.items()} == dict.fromkeys(
        ["Shop orders", "CRM customers", "Daily revenue", "Customer insights", "Sales report"], ""
    )
    assert "19987 rows, 19" in ends["Shop orders"].stdout
    report = (tmp_path / "files/reports/daily_sales.html").read_text(encoding="utf-8")
    assert "Best customers" in report
    with (tmp_path / "files/reports/daily_revenue.csv").open(encoding="utf-8", newline="") as file:
        regions = {row["region"] for row in csv.DictReader(file)}
    assert regions == {"Central", "North", "South", "West"}


def test_daily_sales_can_run_again_over_its_own_results(tmp_path: Path) -> None:
    first = run_phases("daily-sales", tmp_path)

    second = run_phases("daily-sales", tmp_path)

    assert [ran.stdout for ran in second.values()] == [ran.stdout for ran in first.values()]
    assert not any(ran.returncode for ran in second.values())


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


def test_the_shipped_data_is_small() -> None:
    assert sum(file.stat().st_size for file in demo.DATA.iterdir()) < 1_500_000


def test_loading_creates_configurations_and_orchestrations(project: Project, by_alice: Actor, now: datetime) -> None:
    added = demo.load(project, actor=by_alice, now=now)

    assert len(added) == len(demo.definitions()) == Configuration.objects.in_project(project).count()
    runs = Configuration.objects.in_project(project).filter(component_id=catalogue.ORCHESTRATOR)
    assert {run.name for run in runs} == {"Daily sales", "Supplier feed", "Audience export"}


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
