"""Every component this installation knows: the built-in set, what packages bring, and the folder of its own.

Read once per process; a component added later is seen after a restart. A broken declaration hides only itself:
what is wrong stands in `problems()`, which a system check shows.
"""

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from orchestrations.components.declarations import FILE_NAME, Component, ComponentKind, InvalidDeclaration, read

__all__ = [
    "ORCHESTRATOR",
    "Component",
    "ComponentKind",
    "UnknownComponent",
    "all",
    "get",
    "grouped",
    "offered",
    "problems",
    "reload",
]

ORCHESTRATOR = "keboola.orchestrator"
ENTRY_POINTS = "tutti.components"


class UnknownComponent(LookupError):
    """No component has this id; the text says so."""

    def __init__(self, component_id: str) -> None:
        super().__init__(component_id)
        self.component_id = component_id

    def __str__(self) -> str:
        return f'There is no component "{self.component_id[:128]}".'


@dataclass(frozen=True)
class _Catalogue:
    components: dict[str, Component]
    problems: tuple[str, ...]


def get(component_id: str) -> Component:
    """Raises UnknownComponent."""
    component = _catalogue().components.get(component_id)
    if component is None:
        raise UnknownComponent(component_id)
    return component


def all() -> list[Component]:
    """In the order of the kinds, then by name."""
    return [component for _, components in grouped() for component in components]


def grouped() -> list[tuple[ComponentKind, list[Component]]]:
    """Kinds that have components, extractors first and orchestrators last; `kind.plural` is the heading."""
    by_name = sorted(_catalogue().components.values(), key=lambda component: (component.name.casefold(), component.id))
    groups = [(kind, [component for component in by_name if component.kind is kind]) for kind in ComponentKind]
    return [(kind, components) for kind, components in groups if components]


def offered() -> list[tuple[ComponentKind, list[Component]]]:
    """As ``grouped``, without those that are hidden: what people choose from."""
    groups = [(kind, [each for each in components if not each.is_hidden]) for kind, components in grouped()]
    return [(kind, components) for kind, components in groups if components]


def problems() -> list[str]:
    """Declarations that were left out, each as a sentence that names the file."""
    return list(_catalogue().problems)


def reload() -> None:
    _load.cache_clear()


def _catalogue() -> _Catalogue:
    return _load(settings.BUILTIN_COMPONENTS_DIR, settings.COMPONENTS_DIR or None)


@lru_cache(maxsize=1)
def _load(builtin_dir: Path | str, components_dir: Path | str | None) -> _Catalogue:
    components: dict[str, Component] = {}
    found: list[str] = []
    for folder, builtin in _folders(Path(builtin_dir), Path(components_dir) if components_dir else None, found):
        try:
            component = read(folder, builtin=builtin)
        except InvalidDeclaration as error:
            found.append(str(error))
            continue
        first = components.setdefault(component.id, component)
        if first is not component:
            found.append(
                f'{folder / FILE_NAME}: the id "{component.id}" is already taken by {first.folder / FILE_NAME}.'
            )
    return _Catalogue(components, tuple(found))


def _folders(builtin_dir: Path, components_dir: Path | None, found: list[str]) -> Iterator[tuple[Path, bool]]:
    """(folder, built in?) of every declaration; of two with one id the earlier here counts."""
    yield from ((folder, True) for folder in _declaring(builtin_dir, found))
    for package in _packages(found):
        yield from ((folder, False) for folder in _declaring(package, found))
    if components_dir is not None:
        yield from ((folder, False) for folder in _declaring(components_dir, found))


def _declaring(folder: Path, found: list[str]) -> list[Path]:
    """`folder` itself when it declares a component, otherwise its subfolders that do."""
    if (folder / FILE_NAME).is_file():
        return [folder]
    try:
        return sorted(member for member in folder.iterdir() if (member / FILE_NAME).is_file())
    except OSError as error:
        found.append(f"{folder}: cannot be read as a folder of components: {error.strerror or error}.")
        return []


def _packages(found: list[str]) -> Iterator[Path]:
    for entry in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            # Found, not imported: a component is a program of its own, and its code has no business in this process.
            spec = importlib.util.find_spec(entry.module)
        except (ImportError, AttributeError, ValueError):
            spec = None
        if spec is None or not spec.submodule_search_locations:
            found.append(f'Entry point "{entry.name}" of {ENTRY_POINTS}: "{entry.value}" is not an installed package.')
            continue
        yield Path(spec.submodule_search_locations[0])
