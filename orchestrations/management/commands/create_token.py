"""``manage.py create_token --project ID --user E-MAIL``: a token for the API, printed alone.

The person's own, or with ``--component`` one that may run only the named components (R19).
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from orchestrations import access, tokens
from orchestrations.access import Actor
from orchestrations.components import catalogue
from orchestrations.models import Project, Role, User


class Command(BaseCommand):
    help = (
        "Create a token and print it alone; it is shown only now. It may do what the person may in the project, "
        "or, with --component, only run these components."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", type=int, required=True, metavar="ID")
        parser.add_argument("--user", required=True, metavar="E-MAIL")
        parser.add_argument("--component", action="append", metavar="ID", help="may be given several times")
        parser.add_argument("--description", default="Made on the command line", help="for the list of tokens")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(pk=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        user = User.objects.filter(email__iexact=options["user"].strip(), is_active=True).first()
        if user is None:
            raise CommandError(f"There is no person {options['user']}.")
        if access.role_of(user, project) is None:
            raise CommandError(f"{user.email} is not a member of the project {project.name}.")
        if len(options["description"]) > 255:
            raise CommandError("--description has more than 255 characters.")
        self.stdout.write(_text_of_new_token(project, user, options["description"], options["component"]))


def _text_of_new_token(project: Project, user: User, description: str, components: list[str] | None) -> str:
    now = timezone.now()
    if not components:
        return tokens.create_personal(project, user, description=description, now=now)[1]
    try:
        access.require(Actor(user=user), project, Role.ADMIN)
        for component_id in components:
            catalogue.get(component_id)
    except (access.Denied, catalogue.UnknownComponent) as error:
        raise CommandError(str(error)) from error
    return tokens.create_limited(
        project, description=description, component_access=components, created_by=user, now=now
    )[1]
