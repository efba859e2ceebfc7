"""``manage.py scheduler``: starts what is due, and does the housekeeping. As many as you like, one database."""

import sys
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand

from scheduling.processes import main


class Command(BaseCommand):
    help = "Start what is due, and do the housekeeping, until SIGTERM."
    # Not those of pages and models: they would load every view.
    requires_system_checks = [Tags.compatibility, Tags.files, Tags.security]

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(main.run())
