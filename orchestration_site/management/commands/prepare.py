"""``manage.py prepare``: the database as this version needs it, and what a first start makes. ``up`` calls it."""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.utils import timezone

from orchestration_site import first_run, fresh_schema, one_at_a_time
from orchestration_site.first_run import FirstRun, InvalidAdministrator

# Those of pages and models are for who writes them, and cost a third of a second.
TAGS = [checks.Tags.compatibility, checks.Tags.files, checks.Tags.security]


class Command(BaseCommand):
    help = "Migrate the database; the first time, make the administrator and the first project. Several at once wait."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="make an empty project, not the demo")
        parser.add_argument("--report-to", type=int, metavar="FD", help="write a report for a program there")

    def handle(self, *args: Any, **options: Any) -> None:
        warnings = _check()
        _reach_database()
        with one_at_a_time.holding("prepare"):
            if fresh_schema.is_wanted():
                fresh_schema.make()
            call_command("migrate", verbosity=0, interactive=False)
            try:
                made = first_run.set_up(with_demo=not options["no_demo"], now=timezone.now())
            except InvalidAdministrator as error:
                raise CommandError(str(error)) from error
        sentences = [*warnings, *(made.warnings if made else ())]
        if options["report_to"] is not None:
            _report(options["report_to"], made, sentences)
        else:
            self._tell(made, sentences)

    def _tell(self, made: FirstRun | None, sentences: list[str]) -> None:
        for sentence in sentences:
            self.stdout.write(sentence)
        if made is not None:
            password = f", password {made.password} (shown this once)" if made.password else ""
            self.stdout.write(f"The first administrator is {made.email}{password}.")
        self.stdout.write("The database is ready.")


def _check() -> list[str]:
    """The warnings as sentences. Raises CommandError when something would lose or duplicate work, or leak."""
    found = [each for each in checks.run_checks(tags=TAGS) if not each.is_silenced()]
    errors = [each for each in found if each.is_serious()]
    if errors:
        raise CommandError("\n".join(f"{each.id}: {each.msg} {each.hint or ''}".strip() for each in errors))
    return [
        f"Warning {each.id}: {each.msg} {each.hint or ''}".strip() for each in found if each.level >= checks.WARNING
    ]


def _reach_database() -> None:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        database = settings.DATABASES["default"]
        where = f"{database['HOST']}:{database['PORT'] or 5432}" if database["HOST"] else database["NAME"]
        raise CommandError(f"The database at {where} cannot be reached: {str(error).strip()}") from error


def _report(descriptor: int, made: FirstRun | None, sentences: list[str]) -> None:
    login = {"email": made.email, "password": made.password} if made is not None and made.password else None
    stop_seconds = settings.STOP_SECONDS + settings.GRACE_SECONDS + 5
    report = {"login": login, "sentences": sentences, "stop_seconds": stop_seconds}
    with os.fdopen(descriptor, "w") as pipe:
        json.dump(report, pipe)
