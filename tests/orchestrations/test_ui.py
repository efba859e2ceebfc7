import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.http import HttpResponse
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from orchestrations.lib.htmx import trigger_event, vary_on_htmx, wants_fragment
from orchestrations.templatetags import ui

ROOT = Path(__file__).resolve().parent.parent.parent
ICONS = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static/icons.svg").read_text()))
NOW = datetime(2026, 11, 10, 13, 10, tzinfo=UTC)


def draw(source: str, **context: object) -> str:
    return Template("{% load ui %}" + source).render(Context(context))


def test_every_status_and_kind_has_its_icon() -> None:
    wanted = {f"st-{name}" for name in ui.STATUS_WORDS} | {f"k-{name}" for name in ui.KIND_WORDS}

    assert wanted <= ICONS


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    texts = [path.read_text() for path in (ROOT / "templates").rglob("*.html")]
    named = {name for text in texts for name in re.findall(r'(?:\{% icon |icon_name=)"([\w-]+)"(?!\|)', text)}

    assert named <= ICONS
    assert "run" in named


def test_a_status_is_icon_word_and_colour() -> None:
    html = draw("{% status 'not_executed' 'badge' %}")

    assert 'class="status status--badge" data-status="not-executed"' in html
    assert "#st-not-executed" in html
    assert "Not executed" in html


def test_a_status_without_a_word_is_refused() -> None:
    with pytest.raises(KeyError):
        ui.status("sleeping")


def test_names_are_escaped() -> None:
    assert "<b>" not in draw("{% avatar name %}", name="<b>Eve</b> & Co")


@pytest.mark.parametrize(
    ("name", "machine", "letters"),
    [
        ("Marta Kolářová", False, "MK"),
        ("jonas@example.org", False, "J"),
        ("ann.lee@x.org", False, "AL"),
        ("Schedule", True, "S"),
        ("", False, "?"),
    ],
)
def test_an_avatar_shows_initials(name: str, machine: bool, letters: str) -> None:
    assert f">{letters}</span>" in ui.avatar(name, machine)


def test_a_moment_is_the_viewers_with_the_machine_value_beside_it() -> None:
    with timezone.override(ZoneInfo("Europe/Prague")):
        html = draw("{% moment when %}", when=datetime(2026, 11, 7, 19, 44, 35, tzinfo=UTC))

    assert html == (
        '<time datetime="2026-11-07T19:44:35+00:00" title="2026-11-07 20:44:35 CET (Europe/Prague)">'
        "2026-11-07 20:44:35</time>"
    )


def test_the_time_of_a_line_of_a_log_has_no_title_that_would_be_spoken_in_every_line() -> None:
    line = SimpleNamespace(at=datetime(2026, 11, 7, 19, 44, 35, 900, tzinfo=UTC), level="info", source="", text="a < b")
    with timezone.override(ZoneInfo("Europe/Prague")):
        html = ui.log_lines([line])

    assert html == (
        '<li><time datetime="2026-11-07T19:44:35+00:00">20:44:35</time>'
        '<span class="log__level">info</span><p>a &lt; b</p></li>'
    )


def test_what_has_not_happened_is_not_available() -> None:
    assert "N/A" in draw("{% moment when %}", when=None)
    assert draw("{% since when %}{{ seconds|duration }}", when=None, seconds=None) == "N/AN/A"
    assert draw("{% ago when %}", when=None) == ""


def test_a_running_duration_tells_the_browser_the_seconds_gone_by() -> None:
    with time_machine.travel(NOW, tick=False):
        html = draw("{% since when %}", when=NOW - timedelta(seconds=678.4))

    assert html == '<span data-since="678.4">11 min 18 s</span>'


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({}, False),
        ({"HX-Request": "true"}, True),
        ({"HX-Request": "true", "HX-Boosted": "true"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_only_a_swap_wants_a_fragment(headers: dict[str, str], answer: bool) -> None:
    request = RequestFactory().get("/", headers=headers)
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]

    assert wants_fragment(request) is answer


def test_a_cache_keeps_fragment_and_page_apart() -> None:
    response = vary_on_htmx(trigger_event(trigger_event(HttpResponse(), "job-settled"), "dialog-close"))

    assert "HX-Request" in response["Vary"]
    assert response["HX-Trigger"] == "job-settled, dialog-close"
