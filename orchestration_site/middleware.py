"""What every answer gets: the content security policy, and the viewer's own time zone (R22)."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

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


class ViewersTimeZone:
    """Times are shown in the zone that the person has chosen; UTC until then."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone: ZoneInfo | None = getattr(request.user, "time_zone", None)
        with timezone.override(zone or ZoneInfo("UTC")):
            return self.get_response(request)
