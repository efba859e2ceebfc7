"""Whether a view answers with a fragment or with the whole page. Same URL, same view, two renderings."""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


def wants_fragment(request: HttpRequest) -> bool:
    """True for a swap; false for a boosted link and for history, which both need the whole page."""
    details: HtmxDetails | None = getattr(request, "htmx", None)
    return details is not None and bool(details) and not details.boosted and not details.history_restore_request


def vary_on_htmx(response: HttpResponse) -> HttpResponse:
    """A cache must not hand a fragment to somebody who asked for the page."""
    patch_vary_headers(response, ["HX-Request", "HX-Boosted", "HX-History-Restore-Request"])
    return response


def redirect_htmx(response: HttpResponse, url: str) -> HttpResponse:
    """Make htmx go to `url` as a whole page; used where a plain form gets a redirect."""
    response["HX-Redirect"] = url
    return response


def trigger_event(response: HttpResponse, *names: str) -> HttpResponse:
    """Tell other parts of the page what has happened, as past participles: `job-settled`, `dialog-close`."""
    response["HX-Trigger"] = ", ".join(filter(None, [response.get("HX-Trigger"), *names]))
    return response


def offer_dialog(response: HttpResponse, url: str) -> HttpResponse:
    """Make the page open the dialog at `url`, beside what this answer swaps."""
    response["HX-Trigger"] = json.dumps({"dialog-offered": {"url": url}})
    return response


def go_to(request: HttpRequest, url: str) -> HttpResponse:
    """After a form: htmx is told to load the page as a whole."""
    return redirect_htmx(HttpResponse(status=204), url) if wants_fragment(request) else redirect(url)
