"""``manage.py up``. manage.py itself goes around this file, before Django is loaded: ``--data`` decides on settings."""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from orchestration_site import launcher


class Command(BaseCommand):
    help = "Start everything on this machine: database set-up, pages, workers. Ctrl-C stops."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        launcher.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(launcher.up(argparse.Namespace(**options)))
