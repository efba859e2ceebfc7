"""``manage.py cluster``: the workers of this machine. As many machines as you like, one database."""

import sys
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand

from jobs.broker import main


class Command(BaseCommand):
    help = "Run the workers of this machine until SIGTERM (sent to this process alone, not to its group)."
    # Not those of pages and models: they would load every view into every worker.
    requires_system_checks = [Tags.compatibility, Tags.files, Tags.security]

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(main.run())
