"""The files of this checkout, by kind, as paths relative to its root. New files count before they are committed."""

import ast
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("orchestration_site", "scheduling", "jobs", "orchestrations")


def list_files() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(name for name in set(listing.stdout.split("\0")) if name and (ROOT / name).is_file())


@cache
def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def parse(name: str) -> ast.Module:
    return ast.parse(read(name), filename=name)


def each_of(names: Sequence[str]) -> Callable[[Callable[[str], None]], Callable[[], None]]:
    """Makes a check of one file a single test of all of these, which says what is wrong with each that fails.

    A test per file and rule would be thousands, at a cost far above the checks'. No names at all: the test fails.
    """

    def join(check: Callable[[str], None]) -> Callable[[], None]:
        def test() -> None:
            wrong = ["no files to look at"] * (not names)
            for name in names:
                try:
                    check(name)
                except AssertionError as error:
                    wrong.append(f"{name}: {error}")
            if wrong:
                pytest.fail("\n\n".join(wrong), pytrace=False)

        # Not functools.wraps: pytest would look through it and take ``name`` for a fixture.
        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return join


def is_text(name: str) -> bool:
    return b"\0" not in (ROOT / name).read_bytes()[:8000]


FILES = list_files()
TEXTS = [name for name in FILES if is_text(name) and not name.startswith("static/vendor/")]
TEMPLATES = [name for name in FILES if name.endswith(".html") and name.startswith("templates/")]
# E-mails have no stylesheet and are shown by no page.
PAGES = [name for name in TEMPLATES if "/emails/" not in name]
# Pieces under components/ are drawn inside of others, perhaps several times on a page: no part is replaced by their id.
FRAGMENTS = [name for name in PAGES if Path(name).name.startswith("_") and "/components/" not in name]
PRODUCT = [name for name in FILES if name.endswith(".py") and name.startswith(PACKAGES) and "/migrations/" not in name]
PROGRAM_FOLDERS = ("jobs/processes/", "jobs/components/", "jobs/tables/", "orchestration_site/demo/code/")
PROGRAMS = [name for name in PRODUCT if name.startswith(PROGRAM_FOLDERS)]
SITE = [name for name in PRODUCT if name not in PROGRAMS]


def is_edge(name: str) -> bool:
    """Where the outside comes in or is drawn: views, API, admin, commands, template tags, the site itself."""
    path = Path(name)
    return (
        bool({"views", "commands", "api", "templatetags"} & set(path.parts))
        or path.stem in {"views", "admin", "api"}
        or path.parts[0] == "orchestration_site"
    )
