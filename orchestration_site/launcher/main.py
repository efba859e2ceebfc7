"""The flow of ``up``: options, ground, preparation, then the services until somebody says stop."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from orchestration_site.launcher import forking, ground
from orchestration_site.launcher.options import Options, Refused, add_arguments, build_environment, page_url, read
from orchestration_site.launcher.running import Running, say
from orchestration_site.launcher.service import Service, kill_group

INTERRUPTED = 130


def main(argv: list[str]) -> int:
    """``argv`` is what stands behind ``up``. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="manage.py up", description="Start everything on this machine: pages, workers, scheduler, database set-up."
    )
    add_arguments(parser)
    return up(parser.parse_args(argv))


def up(arguments: argparse.Namespace) -> int:
    # Until the services run, a SIGTERM ends this as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _up(read(arguments))
    except Refused as error:
        print(f"Tutti cannot start. {error}", file=sys.stderr, flush=True)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _up(options: Options) -> int:
    ground.open_data_folder(options.data)
    lock = ground.lock(options.data)
    listener = ground.listen(options)
    port = int(listener.getsockname()[1])
    url = page_url(options.host, port)
    ground.sign_lock(lock, url)
    pipes = Pipes.open()
    os.environ.update(build_environment(options, port) | {"TUTTI_LIFELINE_FD": str(pipes.lifeline_end)})
    programs = _load_programs()
    prepared = prepare(options, meanwhile=programs.load_services)
    _greet(options, prepared)
    programs.freeze()
    services = [
        Service(
            "The web server",
            programs.web_server(listener.fileno(), pipes.ready_variable()),
            [listener.fileno(), pipes.lifeline_end, pipes.ready_end],
        ),
        Service("The workers", programs.command("tutti-cluster", "cluster", "--skip-checks"), [pipes.lifeline_end]),
        Service(
            "The scheduler", programs.command("tutti-scheduler", "scheduler", "--skip-checks"), [pipes.lifeline_end]
        ),
    ]
    running = Running(
        services,
        ready=pipes.ready,
        greeting=f"Tutti runs at {url} – Ctrl-C stops it.",
        stop_seconds=float(prepared["stop_seconds"]),
        listener=listener,
    )
    return running.run()


def _load_programs() -> ModuleType:
    """With Django, whose settings are read now that the environment is complete. Raises Refused."""
    programs = importlib.import_module("orchestration_site.launcher.programs")
    try:
        programs.load_django()
    except ImproperlyConfigured as error:
        raise Refused(str(error)) from error
    return programs


@dataclass(frozen=True)
class Pipes:
    """``lifeline``: held open by the launcher as long as it lives. ``ready``: the web server can answer."""

    lifeline: int
    lifeline_end: int
    ready: int
    ready_end: int

    @classmethod
    def open(cls) -> Pipes:
        lifeline_end, held = os.pipe()
        ready, ready_end = os.pipe()
        # Read once only: a web server that starts again and again must not wait for a reader.
        os.set_blocking(ready_end, False)
        return cls(lifeline=held, lifeline_end=lifeline_end, ready=ready, ready_end=ready_end)

    def ready_variable(self) -> dict[str, str]:
        return {"TUTTI_READY_FD": str(self.ready_end)}


def prepare(options: Options, meanwhile: Callable[[], None]) -> dict[str, Any]:
    """Migrate and set up in a process of its own, so that this one has no connection; what it reports.

    ``meanwhile`` is what we do while it does. Raises Refused when it could not.
    """
    programs = importlib.import_module("orchestration_site.launcher.programs")
    reading, writing = os.pipe()
    words = ["prepare", "--report-to", str(writing), *([] if options.demo else ["--no-demo"])]
    process = forking.fork(programs.command("tutti-prepare", *words), [writing])
    os.close(writing)
    try:
        meanwhile()
        with os.fdopen(reading, "rb") as pipe:
            report = pipe.read()
        code = forking.wait(process)
    except BaseException:
        kill_group(process)
        forking.wait(process)
        raise
    if code != 0 or not report:
        raise Refused("The database could not be prepared, see above.")
    prepared: dict[str, Any] = json.loads(report)
    return prepared


def _greet(options: Options, prepared: dict[str, Any]) -> None:
    for sentence in prepared["sentences"]:
        say(sentence)
    login = prepared["login"]
    if login:
        say(
            "The first administrator (the password is shown this once and kept nowhere):\n"
            f"    e-mail    {login['email']}\n"
            f"    password  {login['password']}"
        )
