"""What a handler takes and answers, said beside it: of this the OpenAPI document is made, and tests hold it to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from orchestrations.lib.openapi import FLAG, Schema, whole

Answers = Mapping[int, Schema | None]
"""By status; None for one without a body. Errors are the same everywhere and are not said here."""
T = TypeVar("T", bound=Callable[..., object])

LIMIT_AND_OFFSET: Mapping[str, Schema] = {"limit": whole(1, 1000, 100), "offset": whole(0, 2**31 - 1, 0)}
ASYNC: Mapping[str, Schema] = {"async": FLAG}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """``headers``: those that it reads besides the token's. What ``body`` requires is there when a handler looks."""

    summary: str
    description: str = ""
    query: Mapping[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    headers: Mapping[str, Schema] = field(default_factory=dict)
    invalid_status: int = 400
    """Of a refusal for what a request says."""
    answers: Answers = field(default_factory=dict)
    other_types: tuple[str, ...] = ()
    """Content types that it may answer with besides JSON."""

    @property
    def required(self) -> Sequence[str]:
        return self.body.get("required", ()) if self.body is not None else ()


def operation(
    summary: str,
    answers: Answers,
    *,
    description: str = "",
    query: Mapping[str, Schema] | None = None,
    body: Schema | None = None,
    headers: Mapping[str, Schema] | None = None,
    invalid_status: int = 400,
    other_types: tuple[str, ...] = (),
) -> Callable[[T], T]:
    """Says of a handler what it does. ``wire.endpoint`` refuses one of which nothing is said."""
    said = Operation(
        summary=summary,
        description=description,
        query=query or {},
        body=body,
        headers=headers or {},
        invalid_status=invalid_status,
        answers=answers,
        other_types=other_types,
    )

    def mark(handler: T) -> T:
        handler.operation = said  # type: ignore[attr-defined]
        return handler

    return mark
