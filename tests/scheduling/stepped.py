"""``manage.py scheduler`` for tests that step its clock: it is off by the seconds in the file TUTTI_TEST_CLOCK."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from django.core.management import execute_from_command_line
from django.utils import timezone

OFFSET = "TUTTI_TEST_CLOCK"


def step(file: Path, seconds: float) -> None:
    """Whole or not at all: processes read it all the time."""
    written = file.with_suffix(".new")
    written.write_text(str(seconds))
    written.replace(file)


def main() -> None:
    file, real = Path(os.environ[OFFSET]), timezone.now

    def now() -> datetime:
        return real() + timedelta(seconds=float(file.read_text()))

    # Before any module of ours is loaded, which may keep the function.
    timezone.now = now
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestration_site.settings")
    execute_from_command_line(["manage.py", "scheduler", "--skip-checks"])


if __name__ == "__main__":
    main()
