"""``manage.py up``. manage.py itself goes around this file, before Django is loaded: ``--data`` decides on settings."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from orchestration_site import launcher


class Command(BaseCommand):
    help = "Start everything on this machine: database set-up, pages, workers. Ctrl-C stops."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        launcher.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """As manage.py does it, in a process that has read no settings yet."""
        words = [f"--{name}={options[name]}" for name in ("bind", "data", "workers") if options[name] is not None]
        words += ["--no-demo"] if options["no_demo"] else []
        os.execv(sys.executable, [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", *words])  # noqa: S606
