"""A real browser on a real server, with a real cluster on the same database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from orchestrations.models import Configuration, Project, User
from tests import builders, clusters, everything
from tests.clusters import RunningCluster

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 20_000
REFUSED_FORM = "status of 422"
"""Chromium reports an answer of 422 on its console; that is how a refused form looks, not an error of the page."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, and Django would take everything here for asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    chromium = everything.find_browser() or "chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Site:
    """Opens pages of the live server; whatever their consoles complain about is kept in ``complaints``."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url
        self.complaints: list[str] = []

    @contextmanager
    def page(self, *, width: int = 1280, **options: Any) -> Iterator[Page]:
        context = self.browser.new_context(viewport={"width": width, "height": 800}, base_url=self.url, **options)
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield self._watched(context)
        finally:
            context.close()

    @contextmanager
    def page_of(self, user: User, **options: Any) -> Iterator[Page]:
        """Signed in, on the list of orchestrations."""
        with self.home_of(user, **options) as page:
            address = page.locator('.topnav a[href$="/orchestrations/"]').get_attribute("href")
            page.goto(address or "/")
            yield page

    @contextmanager
    def home_of(self, user: User, **options: Any) -> Iterator[Page]:
        """Signed in, on the start page: without JavaScript by the form, else by a session that is there already."""
        with self.page(**options) as page:
            if options.get("java_script_enabled", True):
                name, value = session_of(user)
                page.context.add_cookies([{"url": self.url, "name": name, "value": value}])
                page.goto("/")
            else:
                sign_in(page, user)
            page.get_by_role("heading", level=1).wait_for()
            yield page

    def _watched(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                self.complaints.append(said.text)
                if said.type in ("error", "warning") and REFUSED_FORM not in said.text
                else None
            ),
        )
        return page


def sign_in(page: Page, user: User) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(builders.PASSWORD)
    page.get_by_role("button", name="Log in").click()


def wait_until_settled(page: Page) -> None:
    """What htmx has put in can be seen some milliseconds before it hears of keys and clicks."""
    expect(page.locator(".htmx-settling")).to_have_count(0)


def session_of(user: User) -> tuple[str, str]:
    """The name and the value of a cookie."""
    client = Client()
    client.force_login(user)
    (cookie,) = client.cookies.values()
    return cookie.key, cookie.value


@pytest.fixture
def site(browser: Browser, live_server: Any) -> Iterator[Site]:
    """Fails the test when a console had something to say: errors, and violations of the content security policy."""
    site = Site(browser, live_server.url)
    yield site
    assert site.complaints == []


@pytest.fixture
def cluster(live_server: Any, settings: Any) -> Iterator[RunningCluster]:
    with clusters.running(settings.DATA_DIR, clusters.database_url(), WORKERS=2, GRACE_SECONDS=1) as running:
        yield running


class Gate:
    """A configuration whose command waits until it is let through."""

    def __init__(self, project: Project, file: Path, name: str) -> None:
        self.file = file
        script = f'echo "{name} waits"; while [ ! -e "{file}" ]; do sleep 0.05; done; echo "{name} goes on"'
        self.configuration: Configuration = builders.build_configuration(
            project, name=name, command=["sh", "-c", script]
        )

    def open(self) -> None:
        self.file.touch()


@pytest.fixture
def gate(project: Project, tmp_path: Path) -> Gate:
    return Gate(project, tmp_path / "open", "Orders")
