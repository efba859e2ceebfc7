"""axe-core in a page: what it finds wrong there."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

Rules = dict[str, Any]
WCAG: Rules = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
EVERYTHING: Rules = {}
"""With what axe-core holds to be good practice."""
COLORS: Rules = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""All that can differ between light and dark."""
RUN = """async ([within, options]) => {
  const found = await axe.run(within || document, options);
  const said = ({id, nodes}) => nodes.map(each => `${id} at ${each.target}: ${each.failureSummary}`);
  return found.violations.flatMap(said);
}"""
"""Only what is wrong leaves the page: the list of all that passed is megabytes."""


def violations_of(page: Page, rules: Rules = WCAG, *, within: str = "") -> list[str]:
    """``within``: a selector, to judge a part."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found: list[str] = page.evaluate(RUN, [within, options])
    return found


def overflow_of(page: Page) -> list[str]:
    found, width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return [f"is {found} px wide of {width}"] if found > width else []
