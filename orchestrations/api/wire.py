"""From a request to one handler and back: the token, the method, the shape of answers (API.md, "Wire rules").

A handler takes a Call and the parts of the path, and returns what is to be answered as JSON.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, re_path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from orchestrations import access, tokens
from orchestrations.access import Actor
from orchestrations.api import errors, fields, limiting
from orchestrations.api.errors import ApiError, Invalid, Service
from orchestrations.api.fields import Fields
from orchestrations.api.operations import Operation
from orchestrations.lib.rates import Verdict
from orchestrations.models import Project, Token

NOT_AN_ID = -1


@dataclass(frozen=True, kw_only=True)
class Call:
    """An authenticated request."""

    request: HttpRequest
    token: Token
    token_text: str
    actor: Actor
    project: Project
    now: datetime
    operation: Operation
    """What is asked for."""

    @functools.cached_property
    def query(self) -> Fields:
        return fields.of_query(self.request)

    @functools.cached_property
    def body(self) -> Fields:
        found = fields.of_body(self.request)
        missing = next((name for name in self.operation.required if not found.given(name)), None)
        if missing is not None:
            raise ApiError(self.operation.invalid_status, f"{missing}: is missing.")
        return found

    @property
    def expected_version(self) -> int | None:
        """Of If-Match: the version that the client has seen; None when it did not say."""
        text = self.request.headers.get("If-Match", "").strip()
        if text in ("", "*"):
            return None
        match = re.fullmatch(r'(?:W/)?"?([0-9]{1,9})"?', text, re.ASCII)
        if match is None:
            raise Invalid("If-Match", 'expected the number of a version, as in "3".')
        return int(match[1])


@dataclass(frozen=True)
class Answer:
    """What is not plainly 200. ``content`` None is an answer without a body."""

    content: Any
    status: int = 200
    version: int | None = None
    """Sent as ETag, to come back as If-Match."""


Handler = Callable[..., Any]


@dataclass(frozen=True)
class Described:
    """What a view of the API says of itself, as its attribute ``described``; operations by method in lower case."""

    service: Service
    is_public: bool
    operations: dict[str, Operation]


def endpoint(service: Service, *, is_public: bool = False, **handlers: Handler) -> Callable[..., HttpResponse]:
    """The view of one address: a handler per method, named in lower case.

    ``is_public`` needs no token; its handlers take the request itself.
    """

    @csrf_exempt
    def view(request: HttpRequest, **parts: str) -> HttpResponse:
        # A page's session means nothing here, so there is nothing that a forged form could use.
        method = "get" if request.method == "HEAD" else (request.method or "").lower()
        verdict: Verdict | None = None
        try:
            if method not in handlers:
                return _wrong_method(service, request, handlers)
            subject = request if is_public else authenticate(request, described.operations[method])
            if isinstance(subject, Call):
                verdict = limiting.count(subject.token)
                if verdict is not None and not verdict.allowed:
                    raise limiting.TooMany(verdict)
            response = _written(handlers[method](subject, **parts))
        except Exception as error:  # the API's edge: whatever it is, it is answered in the service's shape
            response = errors.respond(service, request, error)
        limiting.tell(response, verdict)
        if request.method == "HEAD":
            response.content = b""
        return response

    described = Described(service, is_public, _operations(handlers))
    view.described = described  # type: ignore[attr-defined]
    return view


def route(template: str, view: Callable[..., HttpResponse]) -> URLPattern:
    """``components/<component_id>``, with or without a slash at its end."""
    pattern = re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", template.replace(".", r"\."))
    return re_path(rf"^{pattern}{'/?' if pattern else ''}\Z", view)


def authenticate(request: HttpRequest, operation: Operation) -> Call:
    """Raises ApiError 401. The token may stand in X-StorageApi-Token or as a bearer."""
    text = request.headers.get("X-StorageApi-Token", "").strip()
    if not text:
        scheme, _, rest = request.headers.get("Authorization", "").strip().partition(" ")
        text = rest.strip() if scheme.lower() == "bearer" else ""
    if not text:
        raise ApiError(401, f"{errors.INVALID_TOKEN}: send one in the header X-StorageApi-Token.")
    now = timezone.now()
    token = tokens.find(text, now)
    if token is None:
        raise ApiError(401, errors.INVALID_TOKEN)
    role = access.role_of(token.user, token.project) if token.user is not None else None
    actor = Actor(user=token.user, token=token, role=role)
    if actor.is_person and role is None:
        # Its owner has left the project.
        raise ApiError(401, errors.INVALID_TOKEN)
    return Call(
        request=request,
        token=token,
        token_text=text,
        actor=actor,
        project=token.project,
        now=now,
        operation=operation,
    )


def origin(request: HttpRequest) -> str:
    """Our own address as clients see it, without a slash at its end."""
    return settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")


def moment(when: datetime | None) -> str | None:
    """ISO 8601 with the offset."""
    return when.astimezone(UTC).isoformat() if when is not None else None


def number_of(text: str) -> int:
    """The primary key that an id of the API stands for; one that no row has when it is not a number."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text, re.ASCII) else NOT_AN_ID


def has_no_nul(text: str) -> bool:
    """Whether the database can be asked for it at all: PostgreSQL refuses texts with a NUL."""
    return "\x00" not in text


def _operations(handlers: dict[str, Handler]) -> dict[str, Operation]:
    """Raises TypeError for a handler of which nothing is said."""
    found = {method: getattr(handler, "operation", None) for method, handler in handlers.items()}
    silent = next((handlers[method] for method, said in found.items() if said is None), None)
    if silent is not None:
        raise TypeError(f"{silent.__module__}.{silent.__name__} is not described: mark it with @operation.")
    return {method: said for method, said in found.items() if said is not None}


def _wrong_method(service: Service, request: HttpRequest, handlers: dict[str, Handler]) -> HttpResponse:
    allowed = ", ".join(sorted(name.upper() for name in handlers))
    error = ApiError(405, f"{request.method} is not possible here; possible: {allowed}.")
    response = errors.respond(service, request, error)
    response.headers["Allow"] = allowed
    return response


def _written(content: Any) -> HttpResponse:
    if isinstance(content, HttpResponse):
        content.headers["Cache-Control"] = "no-store"
        return content
    answer = content if isinstance(content, Answer) else Answer(content)
    if answer.content is None:
        response = HttpResponse(status=204)
        # Clients try to read JSON from whatever says that it is some.
        del response.headers["Content-Type"]
    else:
        response = JsonResponse(answer.content, status=answer.status, safe=False)
    if answer.version is not None:
        response.headers["ETag"] = f'"{answer.version}"'
    response.headers["Cache-Control"] = "no-store"
    return response
