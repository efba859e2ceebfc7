"""Names of files from a pattern. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from jobs.components.shared.errors import UserError

LONGEST = 200
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f/\\]")


def file_name(pattern: str, table: str, now: datetime, ending: str) -> str:
    """``pattern`` with its placeholders filled in, and ``ending`` unless it is there; may begin with folders.

    ``now`` in the zone whose calendar counts. Raises UserError.
    """
    known = {"table": _UNUSABLE.sub("_", table), "date": f"{now:%Y-%m-%d}", "time": f"{now:%H%M%S}"}
    path = _PLACEHOLDER.sub(lambda match: _filled(match[1], known), pattern.strip())
    name = path if path.endswith(ending) else f"{path}{ending}"
    for part in name.split("/"):
        if part in ("", ".", "..") or len(part) > LONGEST or _UNUSABLE.search(part) or part.startswith("."):
            raise UserError(f"name: {name!r} cannot be the name of a file here.")
    return name


def _filled(placeholder: str, known: Mapping[str, str]) -> str:
    if placeholder not in known:
        names = ", ".join(f"{{{name}}}" for name in known)
        raise UserError(f"name: {{{placeholder}}} is not known; there are {names}.")
    return known[placeholder]
