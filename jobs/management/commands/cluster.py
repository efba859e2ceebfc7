"""``manage.py cluster``: the workers of this machine. As many machines as you like, one database."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from jobs.broker import main


class Command(BaseCommand):
    help = "Run the workers of this machine until SIGTERM (sent to this process alone, not to its group)."

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(main.run())
