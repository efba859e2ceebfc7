"""How the API says no: one shape per service, never HTML, never a stack trace (API.md, "Wire rules")."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse

from orchestrations.access import Denied
from orchestrations.annotating import InvalidMetadata
from orchestrations.buckets import BucketInUse, InvalidBucket
from orchestrations.components.catalogue import UnknownComponent
from orchestrations.documents import InvalidConfiguration, InvalidDocument
from orchestrations.editing import StaleEdit, StillInUse
from orchestrations.granting import IsProtected
from orchestrations.lib.connections import is_lost
from orchestrations.lib.json_api import InvalidJson
from orchestrations.tables import InvalidTable

log = logging.getLogger("tutti.api")

INVALID_TOKEN = "Invalid access token"  # noqa: S105 (a sentence, not a token)
INTERNAL = "Something went wrong on our side. The log of the server says more about this exceptionId."
BUSY = "The database is busy. Try again in a moment."


@dataclass(frozen=True)
class Service:
    """One of the APIs under our origin, and how it writes its errors."""

    name: str
    prefix: str
    has_text_codes: bool = False


STORAGE = Service("storage", "/v2/storage", has_text_codes=True)
QUEUE = Service("queue", "/queue")
SCHEDULER = Service("scheduler", "/scheduler")
NOTIFICATION = Service("notification", "/notification")
SERVICES = (STORAGE, QUEUE, SCHEDULER, NOTIFICATION)


class ApiError(Exception):
    """A refusal as the client sees it; ``code`` is Storage's text, by default that of the status."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or CODES.get(status, "storage.error")


class NotFound(ApiError):
    def __init__(self, message: str) -> None:
        super().__init__(404, message)


class Invalid(ApiError):
    """A field that cannot be used; the message names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(400, f"{field}: {message}")


CODES = {
    400: "storage.validation",
    401: "storage.tokenInvalid",
    403: "accessDenied",
    404: "notFound",
    405: "methodNotAllowed",
    409: "storage.conflict",
    413: "storage.requestTooLarge",
    415: "storage.unsupportedMediaType",
    422: "storage.validation",
    429: "storage.tooManyRequests",
    500: "internalError",
    503: "storage.busy",
}
GENERAL = {
    400: "This request cannot be understood.",
    403: "This is not permitted.",
    404: "There is nothing at this address.",
    405: "This method is not possible here.",
    413: "The request is too large.",
}
_STATUS_OF: list[tuple[type[Exception], int]] = [
    (Denied, 403),
    (UnknownComponent, 404),
    (InvalidDocument, 422),
    (InvalidConfiguration, 400),
    (InvalidJson, 400),
    (StaleEdit, 409),
    (StillInUse, 409),
    (IsProtected, 409),
    (InvalidBucket, 400),
    (InvalidTable, 400),
    (InvalidMetadata, 400),
    (BucketInUse, 409),
]


def translated(error: Exception) -> ApiError | None:
    """The refusal that a domain error stands for; None for one that nobody expected."""
    if isinstance(error, ApiError):
        return error
    for kind, status in _STATUS_OF:
        if isinstance(error, kind):
            return ApiError(status, str(error))
    if is_lost(error):
        return ApiError(503, BUSY)
    return None


def respond(service: Service, request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer in the service's shape. Its exceptionId is in the log too, beside the trace if it was our mistake."""
    refusal = translated(error) or ApiError(500, INTERNAL)
    exception_id = f"tutti-{uuid4().hex}"
    ours = refusal.status >= 500
    log.log(
        logging.ERROR if ours else logging.INFO,
        "%s: %s %s is answered with %s %s",
        exception_id,
        request.method,
        _on_one_line(request.path),
        refusal.status,
        _on_one_line(refusal.message),
        exc_info=error if ours else None,
    )
    code = {"code": refusal.code} if service.has_text_codes else {"code": refusal.status, "status": "error"}
    response = JsonResponse({"error": refusal.message, **code, "exceptionId": exception_id}, status=refusal.status)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _on_one_line(text: str) -> str:
    """What a client sent must not write lines of its own into the log."""
    return text.encode("unicode_escape").decode()


class ApiErrorShape:
    """Middleware: what is refused before or beside our views (an unknown path or host) has the API's shape too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400 or response.headers.get("Content-Type", "").startswith("application/json"):
            return response
        service = service_of(request.path_info)
        if service is None:
            return response
        status = response.status_code
        return respond(service, request, ApiError(status, GENERAL.get(status, INTERNAL)))


def service_of(path: str) -> Service | None:
    """The service whose path this is, or would be if there were anything."""
    found = next((each for each in SERVICES if path == each.prefix or path.startswith(f"{each.prefix}/")), None)
    # Clients that were given a wrong address below it are told so in words that they can read.
    return STORAGE if found is None and path.startswith("/v2/") else found
