"""What a browser says of itself (``User-Agent``), in two words for people: enough to know one's own again."""

from __future__ import annotations

UNKNOWN = "Unknown"
# The first that is found: most name others beside themselves.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-requests/", "Python"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def describe(agent: str) -> tuple[str, str]:
    """Browser and system."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), UNKNOWN)
    system = next((name for mark, name in _SYSTEMS if mark in agent), UNKNOWN)
    return browser, system
