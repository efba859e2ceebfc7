"""What pages about any configuration begin with: finding it, the way to it, and where it is at home."""

from __future__ import annotations

from django.http import Http404
from django.urls import reverse

from orchestrations import history
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.lib import links
from orchestrations.models import Configuration
from orchestrations.views.members import MemberRequest


def find_configuration(request: MemberRequest, configuration_id: int, *, in_trash: bool = False) -> Configuration:
    found = history.find_configuration(request.member.project, configuration_id, in_trash=in_trash)
    if found is None:
        raise Http404(f"There is no such configuration in {'the trash of ' if in_trash else ''}this project.")
    request.section = "trash" if in_trash else "orchestrations" if found.component_id == ORCHESTRATOR else "components"
    return found


def home_of(configuration: Configuration) -> str:
    """Its own page; while there is none, its versions."""
    name = "orchestration" if configuration.component_id == ORCHESTRATOR else "configuration"
    address = [configuration.project_id, configuration.pk]
    return links.find(name, *address) or reverse("versions", args=address)


def list_of(configuration: Configuration) -> str:
    """The page that lists it among others of its kind."""
    project_id = configuration.project_id
    if configuration.component_id == ORCHESTRATOR:
        return links.find("orchestrations", project_id)
    return links.find("component", project_id, configuration.component_id) or reverse("trash", args=[project_id])


def crumbs_of(configuration: Configuration, *below: str) -> list[dict[str, str]]:
    """The way to a page of this configuration; ``below``: "versions" when it lies behind that list."""
    address = [configuration.project_id, configuration.pk]
    is_orchestration = configuration.component_id == ORCHESTRATOR
    first = ("Orchestrations", "orchestrations") if is_orchestration else ("Components", "components")
    crumbs = [
        {"name": first[0], "url": links.find(first[1], configuration.project_id)},
        {"name": configuration.name, "url": home_of(configuration)},
        *({"name": name.capitalize(), "url": reverse(name, args=address)} for name in below),
    ]
    return [crumb for crumb in crumbs if crumb["url"]]


def number_of(text: str | None) -> int | None:
    """None for what cannot be a version or a page."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def about_name(error: Exception) -> str:
    """What is wrong with a name, for its field."""
    words = str(error).removeprefix("name: ")
    return f"The name {words}" if words != str(error) else words
