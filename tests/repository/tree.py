"""The files of this checkout, by kind, as paths relative to its root. New files count before they are committed."""

import ast
import subprocess
from functools import cache
from pathlib import Path

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


def is_text(name: str) -> bool:
    return b"\0" not in (ROOT / name).read_bytes()[:8000]


FILES = list_files()
TEXTS = [name for name in FILES if is_text(name) and not name.startswith("static/vendor/")]
TEMPLATES = [name for name in FILES if name.endswith(".html") and name.startswith("templates/")]
# E-mails have no stylesheet and are shown by no page.
PAGES = [name for name in TEMPLATES if "/emails/" not in name]
# Pieces under components/ are drawn several times on a page, so they cannot carry an id of their own.
FRAGMENTS = [name for name in PAGES if Path(name).name.startswith("_") and "/components/" not in name]
PRODUCT = [name for name in FILES if name.endswith(".py") and name.startswith(PACKAGES) and "/migrations/" not in name]
PROGRAM_FOLDERS = ("jobs/processes/", "jobs/components/", "orchestration_site/demo/code/")
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
