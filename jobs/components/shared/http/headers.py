"""Headers and authentication as parameters of a configuration give them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from jobs.components.shared.errors import UserError

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OURS = ("connection", "content-length", "transfer-encoding")
"""The connection is ours to keep in order."""


def read(given: Mapping[str, Any], field: str = "headers") -> dict[str, str]:
    """``given``: names, those of secrets with a # in front. Raises UserError."""
    headers: dict[str, str] = {}
    for written, value in given.items():
        name, text = written.removeprefix("#"), str(value)
        if not _NAME.fullmatch(name):
            raise UserError(f"{field}: {name!r} is not a name of a header.")
        if name.lower() in _OURS:
            raise UserError(f"{field}: {name} cannot be set; it follows from the request.")
        if not _VALUE.fullmatch(text):
            raise UserError(f"{field}: the value of {name} holds signs that a header cannot carry.")
        headers[name] = text
    return headers


def authorization(given: Mapping[str, Any]) -> dict[str, str]:
    """``given``: `method` none, basic (`user`, `#password`) or bearer (`#token`). Raises UserError."""
    method = given.get("method", "none")
    if method == "basic":
        pair = f"{given.get('user', '')}:{given.get('#password', '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    if method == "bearer":
        if not given.get("#token"):
            raise UserError("authentication: the token is missing.")
        return read({"Authorization": f"Bearer {given['#token']}"}, "authentication")
    return {}
