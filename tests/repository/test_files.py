"""What every file, the locks and README must hold."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jobs.states import JobStatus
from tests.repository.tree import ROOT, TEXTS, each_of, read

# A letter in brackets, so that this file does not hold what it looks for.
HOSTS = re.compile(r"pyp[i]\.org|pythonhoste[d]\.org|registry\.npmj[s]|deb\.debia[n]\.org|inde[x]-url|extra-inde[x]")
MACHINE = re.compile(rf"/roo[t]/\.|/opt/wheel[s]|/tm[p]/venv|{re.escape(str(ROOT))}/")
UNFINISHED = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b")
CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
SETTING = re.compile(r"env\.(?:text|flag|flag_or_words|number|whole|words|kept_secret)\(\s*\"([A-Z_]+)\"")
PIN = re.compile(
    r"^([A-Za-z0-9._-]+)==([^ ;\\]+)([^\n]*\\\n(?:\s+--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)?", re.MULTILINE
)

PROJECT = tomllib.loads(read("pyproject.toml"))["project"]
RUNTIME = [Requirement(text) for text in PROJECT["dependencies"]]
DEVELOPMENT = [Requirement(text) for text in PROJECT["optional-dependencies"]["dev"]]
LOCKS = ["requirements.lock", "requirements-dev.lock"]


@each_of(TEXTS)
def test_a_file_names_no_package_host_and_no_path_of_a_machine(name: str) -> None:
    found = [match.group() for pattern in (HOSTS, MACHINE) for match in pattern.finditer(read(name))]

    assert found == []


@each_of(TEXTS)
def test_a_file_is_finished(name: str) -> None:
    text = read(name)

    assert not UNFINISHED.search(text)
    assert not CONFLICT.search(text)
    assert not text or text.endswith("\n")


@pytest.mark.parametrize(
    ("lock", "requirement"),
    [(lock, requirement) for lock in LOCKS for requirement in RUNTIME] + [(LOCKS[1], entry) for entry in DEVELOPMENT],
    ids=str,
)
def test_the_lock_holds_what_the_project_asks_for(lock: str, requirement: Requirement) -> None:
    version = read_pins(lock).get(canonicalize_name(requirement.name))

    assert version is not None, "missing: run make lock"
    assert requirement.specifier.contains(version, prereleases=True), "outdated: run make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_has_hashes_for_everything(lock: str) -> None:
    bare = [match.group(1) for match in PIN.finditer(read(lock)) if not match.group(3)]

    assert bare == []
    assert "://" not in read(lock)


def test_tests_run_with_the_versions_that_the_site_runs_with() -> None:
    site, tests = (read_pins(lock) for lock in LOCKS)

    assert site.items() <= tests.items()


@pytest.mark.parametrize("setting", sorted({*SETTING.findall(read("orchestration_site/settings.py"))}))
def test_readme_explains_every_setting(setting: str) -> None:
    assert f"`TUTTI_{setting}`" in read("README.md")


@pytest.mark.parametrize("status", JobStatus.values)
def test_readme_explains_every_status(status: str) -> None:
    assert f"`{status}`" in read("README.md")


def read_pins(lock: str) -> dict[str, str]:
    return {canonicalize_name(match.group(1)): match.group(2) for match in PIN.finditer(read(lock))}
