"""``manage.py run ORCHESTRATION``: start an orchestration as a person does, and wait for its end if asked."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from jobs import following, launching
from jobs.following import Progress
from jobs.management.progress_line import ProgressLine, closing_words
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.access import Actor, Denied
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Orchestration, User

REFUSED = 2
INTERRUPTED = 130
EXIT_CODES = {
    JobStatus.SUCCESS: 0,
    JobStatus.ERROR: 1,
    JobStatus.WARNING: 3,
    JobStatus.TERMINATED: 4,
    JobStatus.CANCELLED: 4,
}


class Command(BaseCommand):
    help = (
        "Run an orchestration and print the id of the job. With --wait the exit code says how it ended: "
        "0 success, 1 error, 2 not started, 3 warning, 4 terminated or cancelled."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("orchestration", metavar="ORCHESTRATION", help="its name or its id")
        parser.add_argument("--project", type=int, metavar="ID", help="needed when several have one of this name")
        parser.add_argument("--only", nargs="+", metavar="TASK", help="only these tasks, by id or name")
        parser.add_argument("--wait", action="store_true", help="until the run has ended; Ctrl-C leaves it running")
        parser.add_argument("--user", metavar="E-MAIL", help="who starts it; default: the only administrator")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Actor(user=find_user(options["user"]))
        orchestration = find_orchestration(options["orchestration"], options["project"])
        request = launching.Request(only_task_keys=find_tasks(orchestration, options["only"]))
        now = timezone.now()
        try:
            job = launching.launch(orchestration.project, ORCHESTRATOR, orchestration, request, actor=actor, now=now)
        except (Denied, launching.Refused) as error:
            raise CommandError(str(error), returncode=REFUSED) from error
        if not options["wait"]:
            self.stdout.write(str(job.pk))
            return
        sys.exit(self._wait(job))

    def _wait(self, job: Job) -> int:
        line = ProgressLine(self.stdout)
        last: Progress | None = None
        try:
            for progress in following.follow(job.pk, timezone.now):
                line.show(progress, timezone.now())
                last = progress
        except KeyboardInterrupt:
            line.close(f"Job {job.pk} goes on running; only the waiting was stopped.")
            return INTERRUPTED
        except Job.DoesNotExist:
            line.close(f"Job {job.pk} has been pruned meanwhile.")
            return EXIT_CODES[JobStatus.ERROR]
        assert last is not None
        line.close(closing_words(last))
        return EXIT_CODES[last.status]


def find_user(email: str | None) -> User:
    """Raises CommandError when it is not clear who."""
    if email:
        user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
        if user is None:
            raise CommandError(f"There is no person {email}.", returncode=REFUSED)
        return user
    found = list(User.objects.filter(is_superuser=True, is_active=True)[:2])
    if len(found) != 1:
        many = "are several administrators" if found else "is no administrator"
        raise CommandError(f"There {many}: say with --user who starts the run.", returncode=REFUSED)
    return found[0]


def find_orchestration(text: str, project_id: int | None) -> Orchestration:
    """By key first, then by name. Raises CommandError when there is none, or more than one."""
    live = Orchestration.objects.live().select_related("project").order_by("pk")
    if project_id is not None:
        live = live.filter(project=project_id)
    found = list(live.filter(key=text)[:10]) or list(live.filter(name=text)[:10])
    if not found:
        where = "" if project_id is None else f" in project {project_id}"
        raise CommandError(f"There is no orchestration {text!r}{where}.", returncode=REFUSED)
    if len(found) > 1:
        which = ", ".join(f"{each.key} in project {each.project_id} ({each.project})" for each in found)
        raise CommandError(f"Several orchestrations are called {text!r}: {which}. Give the id.", returncode=REFUSED)
    return found[0]


def find_tasks(orchestration: Orchestration, wanted: list[str] | None) -> list[str] | None:
    """Keys of the tasks; each is given by its key or its name. Raises CommandError."""
    if wanted is None:
        return None
    tasks = list(orchestration.tasks.select_related("configuration"))
    keys = {task.key for task in tasks}
    names: dict[str, list[str]] = {}
    for task in tasks:
        for name in {task.name, task.configuration.name if task.configuration else ""} - {""}:
            names.setdefault(name, []).append(task.key)
    return list(dict.fromkeys(_key_of(word, keys, names) for word in wanted))


def _key_of(word: str, keys: set[str], names: dict[str, list[str]]) -> str:
    found = [word] if word in keys else names.get(word, [])
    if not found:
        raise CommandError(f"There is no task {word!r}; there are {', '.join(sorted(names))}.", returncode=REFUSED)
    if len(found) > 1:
        raise CommandError(f"Several tasks are called {word!r}: {', '.join(found)}. Give the id.", returncode=REFUSED)
    return found[0]
