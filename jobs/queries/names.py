"""The names of a project that queries of jobs speak of; each kind is read once, and only when it is asked for."""

from __future__ import annotations

from functools import cached_property

from orchestrations.components import catalogue
from orchestrations.models import Configuration, Membership, Project, Token, User


class Names:
    """Matching is done here: no database folds the letters of every language."""

    def __init__(self, project: Project, user: User) -> None:
        self.project = project
        self.user = user

    @cached_property
    def configurations(self) -> list[tuple[int, str, str]]:
        """Id, key and name of each, in the trash or not."""
        rows = Configuration.objects.in_project(self.project).order_by("name", "pk")
        return list(rows.values_list("pk", "key", "name"))

    @cached_property
    def people(self) -> list[tuple[int, str, str]]:
        """Id, name and e-mail of the members."""
        rows = Membership.objects.filter(project=self.project).order_by("user__name", "user__email")
        return list(rows.values_list("user_id", "user__name", "user__email"))

    @cached_property
    def tokens(self) -> list[tuple[int, str]]:
        return list(Token.objects.filter(project=self.project).values_list("pk", "description"))

    def configurations_called(self, text: str, *, or_key: bool = False) -> list[int]:
        sought = text.casefold()
        return [pk for pk, key, name in self.configurations if sought in name.casefold() or (or_key and key == text)]

    def components_called(self, text: str) -> list[str]:
        """Ids; of one that this installation knows no more the id as it was typed."""
        known = catalogue.all()
        exact = [component.id for component in known if text in (component.id, component.name)]
        if exact:
            return exact
        sought = text.casefold()
        return [each.id for each in known if sought in each.name.casefold() or sought in each.id.casefold()] or [text]

    def people_called(self, text: str) -> list[int]:
        sought = text.casefold()
        return [pk for pk, name, email in self.people if sought in name.casefold() or sought in email.casefold()]

    def tokens_called(self, text: str) -> list[int]:
        sought = text.casefold()
        return [pk for pk, description in self.tokens if sought in description.casefold()]
