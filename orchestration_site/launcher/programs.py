"""What the launcher's children run, as if each had been started by its own command.

Imported only once the environment is complete: Django and its settings are loaded here, once for all of them.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import django
from django.core.management import execute_from_command_line

from jobs import warming
from orchestrations.components import catalogue
from orchestrations.lib.process_names import name_this

MANAGE = Path(__file__).resolve().parent.parent.parent / "manage.py"
SHARED = ("gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "orchestration_site.urls", "orchestration_site.wsgi")
"""What the services need and no database connection is opened by: nothing that starts a thread."""


def load_django() -> None:
    """Nothing is collected from here on: the holes would be filled in the children, a copied page for each."""
    gc.disable()
    django.setup()


def load_services() -> None:
    """What they load first, here: a child has it at once, and all have one copy of it."""
    for name in (*SHARED, "jobs.broker.main", "scheduling.processes.main"):
        importlib.import_module(name)


def freeze() -> None:
    """To be called when the database is ready.

    A collection in a child would write to, and so copy, every page of what is shared.
    """
    warming.compile_statements()
    catalogue.all()  # read once for all of them: what is in the folders of components when Tutti starts
    gc.freeze()


def command(process_name: str, *words: str, variables: Mapping[str, str] | None = None) -> Callable[[], int]:
    return partial(_run_command, process_name, [str(MANAGE), *words], variables or {})


def web_server(descriptor: int, variables: Mapping[str, str]) -> Callable[[], int]:
    config = ["--config", "python:orchestration_site.web", "--pythonpath", str(MANAGE.parent)]
    return partial(_run_web_server, [*config, "--bind", f"fd://{descriptor}"], variables)


def _run_command(process_name: str, argv: list[str], variables: Mapping[str, str]) -> int:
    _become(process_name, variables)
    sys.argv = argv
    # With which the cluster starts itself anew.
    sys.orig_argv = [sys.executable, *argv]
    execute_from_command_line(argv)
    return 0


def _become(process_name: str, variables: Mapping[str, str]) -> None:
    name_this(process_name)
    os.environ.update(variables)
    gc.enable()


def _run_web_server(words: list[str], variables: Mapping[str, str]) -> int:
    _become("tutti-web", variables)
    sys.argv = ["gunicorn", *words]
    importlib.import_module("gunicorn.app.wsgiapp").run()
    return 0
