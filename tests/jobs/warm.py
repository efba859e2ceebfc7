"""Processes that begin as forks of one that has loaded the libraries of tables and components already.

Loading DuckDB, deltalake or SQLAlchemy costs more than most tests do with them. What is forked has no thread
and no connection that a fork would lose.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.components.ex_database import reading
from jobs.components.http_request import answers
from jobs.components.shared import duck, programs
from jobs.tables import answering

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.jobs.warm"])
LOADED = (answering, answers, duck, programs, reading)
"""These bring all libraries in."""
DEADLINE_SECONDS = 60


def can_run(words: Sequence[str]) -> bool:
    """Whether these words start a program of Python's with the site's libraries."""
    return words[0] == sys.executable and words[-1].endswith(".py") and set(words[1:-1]) <= {"-I", "-X", "utf8"}


def run(words: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """As ``subprocess.run`` with captured output; of the interpreter's own start only ``-I`` is left out."""
    with tempfile.TemporaryDirectory(prefix="tutti-warm-") as folder:
        files = [os.path.join(folder, name) for name in ("out", "err")]
        process = PROCESSES.Process(target=_become, args=(words[-1], str(cwd), dict(environment), *files))
        process.start()
        process.join(DEADLINE_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(words), DEADLINE_SECONDS)
        out, err = (Path(file).read_text(encoding="utf-8") for file in files)
        return subprocess.CompletedProcess(list(words), process.exitcode, out, err)


def _become(program: str, cwd: str, environment: dict[str, str], out: str, err: str) -> None:
    for number, name in ((1, out), (2, err)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    tempfile.tempdir = None
    sys.argv = [program]
    runpy.run_path(program, run_name="__main__")
