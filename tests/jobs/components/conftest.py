"""What tests of components need: a data folder, a folder that the administrator allows, a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.components import web as webs
from tests.jobs.components.data_folders import JobFolder


@pytest.fixture
def web() -> Iterator[webs.Web]:
    with webs.serving() as web:
        yield web


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """A folder that the administrator allows."""
    folder = tmp_path / "allowed"
    folder.mkdir()
    return folder


@pytest.fixture
def job(tmp_path: Path, allowed: Path) -> JobFolder:
    """The folder of a job that may reach this machine and the allowed folder."""
    (tmp_path / "project").mkdir()
    environment = {
        "TUTTI_ALLOW_PRIVATE_ADDRESSES": "127.0.0.1",
        "TUTTI_FILES_DIRS": str(allowed),
        "TUTTI_PROJECT_FILES": str(tmp_path / "project"),
    }
    return JobFolder(tmp_path / "job", environment)
