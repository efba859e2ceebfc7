"""docs/write-a-component.md, followed word by word; then the components it has made, as jobs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrations.components import catalogue
from tests.jobs.components.data_folders import JobFolder, told
from tests.jobs.components.pages import Block, blocks

PAGE = Path(__file__).parents[3] / "docs" / "write-a-component.md"


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of somebody who has followed the page to its end and seen everything that it promises."""
    folder = tmp_path_factory.mktemp("followed")
    reader = Reader(folder)
    for block in blocks(PAGE):
        reader.follow(block)
    assert reader.seen == {"files": 11, "commands": 4, "outputs": 2, "results": 4}
    return folder


class Reader:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen = dict.fromkeys(("files", "commands", "outputs", "results"), 0)
        self.environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self.ran: subprocess.CompletedProcess[str] | None = None

    def follow(self, block: Block) -> None:
        if block.is_result:
            self.seen["results"] += 1
            assert self.content(block.file, (self.folder / block.file).read_text("utf-8")) == self.content(
                block.file, block.text
            )
        elif block.file:
            self.seen["files"] += 1
            (self.folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            self.seen["commands"] += 1
            self.type(block.text)
        elif block.language == "text":
            self.seen["outputs"] += 1
            assert self.ran is not None
            shown = self.ran.stderr if self.ran.returncode else self.ran.stdout
            assert shown == block.text

    def type(self, text: str) -> None:
        if "pip install keboola.component" in text:  # no index is asked by tests: what is installed here serves
            environment = self.folder / "components/totals/.venv"
            environment.parent.mkdir()
            environment.symlink_to(sys.prefix)
            return
        # One shell after another, and what is exported stays.
        self.ran = subprocess.run(
            ["sh", "-c", f"{text}code=$?; export -p > .exported; exit $code"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert self.ran.returncode in (0, 1), self.ran.stderr
        exported = (
            line.removeprefix("export ").partition("=") for line in (self.folder / ".exported").read_text().splitlines()
        )
        self.environment.update({name: value.strip().strip("'\"") for name, _, value in exported})

    @staticmethod
    def content(name: str, text: str) -> Any:
        return json.loads(text) if name.endswith((".json", ".manifest")) else text.replace("\r\n", "\n")


@pytest.fixture
def made(followed: Path, settings: Any) -> Path:
    """The folder of components that the page has made, known to the site."""
    settings.COMPONENTS_DIR = followed / "components"
    assert catalogue.problems() == []
    return followed


def test_the_page_can_be_followed_and_its_declarations_are_understood(made: Path) -> None:
    ids = {component.id for component in catalogue.all() if not component.builtin}

    assert ids == {"acme.pseudonymize", "acme.ex-disks", "acme.totals"}
    assert (made / "shell/out/tables/disks.csv").read_text().startswith("disk,kilobytes,used\n")


def test_the_component_in_python_keeps_its_state_and_tells_what_is_missing(made: Path, job: JobFolder) -> None:
    given = {"column": "email", "#key": "correct horse"}
    empty = job.run("acme.pseudonymize", given)
    job.give_csv("customers.csv", [["id", "email"], ["1", "ada@example.org"]], primary_key=["id"])

    first = job.run("acme.pseudonymize", given)

    assert told(empty) == "No table is mapped: choose one as input."
    assert first.stdout == "1 rows now, 0 in all jobs before.\n"
    assert "correct horse" not in (job.out_tables / "customers.csv").read_text() + first.stdout
    again = job.following("again")
    again.give_csv("customers.csv", [["id", "email"], ["2", "bo@example.org"]])
    assert again.run("acme.pseudonymize", given).stdout == "1 rows now, 1 in all jobs before.\n"


def test_the_component_in_shell_leaves_a_table(made: Path, job: JobFolder) -> None:
    ran = job.run("acme.ex-disks", {})

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith(" disks.\n")
    assert job.progress() == {"done": 2, "total": 2, "text": "Done"}


def test_the_component_of_the_published_package_runs_unchanged(made: Path, job: JobFolder) -> None:
    job.give_csv("orders.csv", [["id", "item"], ["1", "horn"], ["2", "horn"], ["3", "žluť"]])

    ran = job.run("acme.totals", {"column": "item"})

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("2 values.\n")
    assert (job.out_tables / "totals.csv").read_text(encoding="utf-8") == "horn,2\nžluť,1\n"
    manifest = job.manifest("totals.csv")
    assert manifest["destination"] == "out.c-acme.totals"
    assert [(each["name"], each["data_type"]["base"]["type"]) for each in manifest["schema"]] == [
        ("value", "STRING"),
        ("total", "INTEGER"),
    ]
    assert manifest["schema"][0]["primary_key"] is True
    assert job.next_state() == {"values": 2}


def test_the_published_packages_errors_of_the_user_are_told(made: Path, job: JobFolder) -> None:
    job.give_csv("orders.csv", [["id"]])

    assert told(job.run("acme.totals", {"column": "item"})) == "orders.csv has no column item."
