"""What every answer gets: the content security policy, the viewer's time zone (R22), a note of where people are.

Pages are packed as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import timezone

from orchestrations import accounts, sessions

GetResponse = Callable[[HttpRequest], HttpResponse]


class ContentSecurityPolicy:
    """No inline script or style anywhere, nothing from elsewhere (STYLE §2)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response


class PacksPages(GZipMiddleware):
    """Pages and their live parts are a tenth on the way; Django's noise hides lengths, its tokens are masked each time.

    Nothing else is packed: answers of the API are short, files are streamed.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_page = response.get("Content-Type", "").startswith("text/html") and not response.streaming
        return super().process_response(request, response) if is_page else response


class ViewersTimeZone:
    """Times are shown in the zone that the person has chosen; UTC until then."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone: ZoneInfo | None = getattr(request.user, "time_zone", None)
        with timezone.override(zone or ZoneInfo("UTC")):
            return self.get_response(request)


class NotesSessions:
    """Where a person was seen last, for the list of their sessions: one write in some minutes, no query more."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.session_key is not None:
            agent = request.headers.get("User-Agent", "").replace("\x00", "")
            sessions.note(request.session, address=accounts.address_of(request), agent=agent, seconds=time.time())
        return self.get_response(request)
