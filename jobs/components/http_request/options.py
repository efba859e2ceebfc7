"""The parameters of a configuration, as component.json describes them, in the program's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from jobs.components.http_request import json_paths
from jobs.components.shared.errors import UserError
from jobs.components.shared.http import headers
from jobs.components.shared.http.client import Call

Steps = list[str | int]


@dataclass(frozen=True)
class Polling:
    """``address``: with `{$.path}` where values of the first answer go; "" for its Location or the same again."""

    address: str
    path: str
    steps: Steps
    done_values: frozenset[str]
    failed_values: frozenset[str]
    interval_seconds: float
    limit_seconds: float


@dataclass(frozen=True)
class Output:
    table: str
    incremental: bool
    primary_key: list[str]

    @property
    def destination(self) -> str:
        """Its full id, when it was given one."""
        return self.table if "." in self.table else ""


@dataclass(frozen=True)
class Options:
    call: Call
    expected: frozenset[int]
    """Status codes; none: every 2xx."""
    values: dict[str, tuple[str, Steps]]
    polling: Polling | None
    output: Output | None
    retries: int
    timeout_seconds: float

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Options:
        """Raises UserError."""
        values = {
            name: (path, json_paths.parse(path, f"values.{name}")) for name, path in (given.get("values") or {}).items()
        }
        return cls(
            call=_call(given),
            expected=frozenset(given.get("expected_status") or ()),
            values=values,
            polling=_polling(given.get("polling") or {}),
            output=_output(given.get("output") or {}),
            retries=given.get("retries", 5),
            timeout_seconds=given.get("timeout_seconds", 60),
        )


def _call(given: Mapping[str, Any]) -> Call:
    body, own = _body(given.get("body") or {})
    sent = {**own, **headers.authorization(given.get("authentication") or {})}
    written = headers.read(given.get("headers") or {})
    # What a person wrote wins, whatever its case.
    named = {name.lower() for name in written}
    sent = {**{name: value for name, value in sent.items() if name.lower() not in named}, **written}
    return Call(given.get("method", "GET"), _url(given["url"], given.get("query") or {}), sent, body)


def _url(url: str, query: Mapping[str, Any]) -> str:
    if not query:
        return url
    parts = urlsplit(url)
    added = urlencode({name.removeprefix("#"): str(value) for name, value in query.items()})
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def _body(given: Mapping[str, Any]) -> tuple[bytes | None, dict[str, str]]:
    """The bytes, and the headers that belong to them."""
    if "json" in given and given.get("text"):
        raise UserError("body: give JSON or text, not both.")
    if "json" in given:
        document = json.dumps(_without_marks(given["json"]), ensure_ascii=False)
        return document.encode(), {"Content-Type": "application/json"}
    if given.get("text"):
        return given["text"].encode(), {"Content-Type": given.get("content_type") or "text/plain; charset=utf-8"}
    return None, {}


def _without_marks(value: Any) -> Any:
    """Names of secrets without the # that has them stored encrypted."""
    if isinstance(value, dict):
        return {name.removeprefix("#"): _without_marks(member) for name, member in value.items()}
    return [_without_marks(member) for member in value] if isinstance(value, list) else value


def _polling(given: Mapping[str, Any]) -> Polling | None:
    if not any(given.get(name) for name in ("address", "field", "done_values", "failed_values")):
        return None
    for name in ("field", "done_values"):
        if not given.get(name):
            raise UserError(f"polling.{name}: is needed to know when it is done.")
    address = given.get("address", "")
    for path in re.findall(r"\{([^}]*)\}", address):
        json_paths.parse(path, "polling.address")
    return Polling(
        address=address,
        path=given["field"],
        steps=json_paths.parse(given["field"], "polling.field"),
        done_values=frozenset(given["done_values"]),
        failed_values=frozenset(given.get("failed_values") or ()),
        interval_seconds=given.get("interval_seconds", 10),
        limit_seconds=given.get("limit_seconds", 3600),
    )


def _output(given: Mapping[str, Any]) -> Output | None:
    if not given.get("table"):
        return None
    return Output(given["table"], given.get("incremental", False), list(given.get("primary_key") or []))
