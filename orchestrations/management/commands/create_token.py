"""``manage.py create_token --project ID --user E-MAIL``: a person's own token for the API, printed alone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from orchestrations import access, tokens
from orchestrations.models import Project, User


class Command(BaseCommand):
    help = "Create a token that may do what the person may in the project, and print it alone. It is shown only now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", type=int, required=True, metavar="ID")
        parser.add_argument("--user", required=True, metavar="E-MAIL")
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
        _, text = tokens.create_personal(project, user, description=options["description"], now=timezone.now())
        self.stdout.write(text)
