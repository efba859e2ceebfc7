"""Every answer that a test of the API gets is held against the OpenAPI document: its status, its type, its shape."""

from __future__ import annotations

import functools
from typing import Any

from django.urls import Resolver404, resolve
from jsonschema import Draft202012Validator, FormatChecker

from orchestration_site import openapi
from orchestrations.lib.openapi import path_of

UNSAID = frozenset({405, 500})
"""A method that is not there has no operation; mistakes of ours are promised nowhere."""


def check(method: str, path: str, response: Any) -> None:
    """Raises AssertionError when the answer is another than the document says."""
    try:
        template = path_of(resolve(path.split("?")[0]).route)
    except (Resolver404, ValueError):
        return
    item = openapi.document()["paths"].get(template)
    operation = item and item.get("get" if method == "HEAD" else method.lower())
    if not operation or response.status_code in UNSAID:
        return
    where = f"{method} {template} answers with {response.status_code}"
    answers = operation["responses"]
    answer = answers.get(str(response.status_code)) or answers.get(f"{response.status_code // 100}XX")
    assert answer is not None, f"{where}, which is not described"
    if "content" not in answer:
        assert not response.content, f"{where} and a body, which is not described"
        return
    kind = response.headers["Content-Type"].split(";")[0]
    assert kind in answer["content"], f"{where} as {kind}, which is not described"
    if kind == "application/json" and method != "HEAD":
        problem = next(
            iter(
                sorted(
                    _validator(template, operation["operationId"], str(response.status_code)).iter_errors(
                        response.json()
                    ),
                    key=str,
                )
            ),
            None,
        )
        assert problem is None, f"{where}: {'/'.join(map(str, problem.absolute_path))}: {problem.message[:300]}"


@functools.lru_cache(maxsize=1000)
def _validator(template: str, operation_id: str, status: str) -> Draft202012Validator:
    document = openapi.document()
    operation = next(
        each
        for each in document["paths"][template].values()
        if isinstance(each, dict) and each["operationId"] == operation_id
    )
    answers = operation["responses"]
    schema = (answers.get(status) or answers[f"{status[0]}XX"])["content"]["application/json"]["schema"]
    # References are looked up in the whole document.
    return Draft202012Validator({**schema, "components": document["components"]}, format_checker=FormatChecker())
