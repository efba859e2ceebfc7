"""Templates keep the content security policy and the shape of fragments."""

import re
from html.parser import HTMLParser

import pytest

from tests.repository.tree import FRAGMENTS, PAGES, TEMPLATES, each_of, read

FORBIDDEN = {
    "inline style": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "inline handler": re.compile(r"\son[a-z]+\s*=", re.IGNORECASE),
    "inline script": re.compile(r"<script\b(?![^>]*\bsrc=)(?![^>]*application/json)", re.IGNORECASE),
    "script address": re.compile(r"=\s*[\"']?\s*javascript:", re.IGNORECASE),
    "htmx handler": re.compile(r"\shx-on\b", re.IGNORECASE),
    "htmx evaluation": re.compile(r"\shx-[a-z-]+\s*=\s*[\"']\s*(js|javascript):", re.IGNORECASE),
    "htmx trigger filter": re.compile(r"\shx-trigger\s*=\s*(\"[^\"]*\[|'[^']*\[)", re.IGNORECASE),
    "address of another host": re.compile(
        r"<(script|link|img|iframe)\b[^>]*\b(src|href)=[\"'](https?:)?//", re.IGNORECASE
    ),
    "status as a literal": re.compile(r"\{%[^%]*\bstatus\s*(==|!=|in)\s*[\"']"),
}
COMMENT = re.compile(r"\{#.*?#\}|\{%\s*comment\b.*?%\}.*?\{%\s*endcomment\s*%\}|<!--.*?-->", re.DOTALL)
TAG = re.compile(r"(\{%.*?%\})", re.DOTALL)
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
OPENING = ("if", "for", "ifchanged")
ALTERNATIVE = ("else", "elif", "empty")


@each_of(PAGES)
def test_a_template_holds_nothing_that_the_content_security_policy_forbids(name: str) -> None:
    text = COMMENT.sub("", read(name))

    found = [what for what, pattern in FORBIDDEN.items() if pattern.search(text)]

    assert found == []


@each_of(FRAGMENTS)
def test_a_fragment_is_one_element_with_an_id(name: str) -> None:
    roots = find_roots(read(name))

    assert len(roots) == 1, f"root elements: {[tag for tag, _ in roots]}"
    assert "id" in roots[0][1]


@each_of(TEMPLATES)
def test_a_template_marks_nothing_safe(name: str) -> None:
    text = COMMENT.sub("", read(name))

    assert not re.search(r"\|\s*safe(seq)?\b|\{%\s*autoescape\s+off", text)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('<p id="a">x<br>y</p>', ["p"]),
        ("<p></p><p></p>", ["p", "p"]),
        ('{% if a %}<b id="x">{% else %}<i id="x">{% endif %}text{% if a %}</b>{% else %}</i>{% endif %}', ["b"]),
        ("{# <p> #}{% for a in b %}<li></li>{% empty %}<p></p>{% endfor %}", ["li"]),
        ("<svg><path/></svg>", ["svg"]),
    ],
)
def test_roots_are_found_through_branches(text: str, tags: list[str]) -> None:
    assert [tag for tag, _ in find_roots(text)] == tags


def find_roots(text: str) -> list[tuple[str, set[str]]]:
    """The outermost elements and the names of their attributes, as the first branch of every condition draws them."""
    parser = Roots()
    parser.feed(keep_first_branches(COMMENT.sub("", text)))
    parser.close()
    return parser.roots


def keep_first_branches(text: str) -> str:
    kept: list[str] = []
    skipping: list[bool] = []  # one per open block: are we past its first branch?
    for piece in TAG.split(text):
        word = piece[2:-2].split()[0] if TAG.fullmatch(piece) and piece[2:-2].split() else ""
        if word in OPENING:
            skipping.append(False)
        elif word in ALTERNATIVE and skipping:
            skipping[-1] = True
        elif word.removeprefix("end") in OPENING and skipping:
            skipping.pop()
        elif not word and not any(skipping):
            kept.append(piece)
    return re.sub(r"\{\{.*?\}\}", "x", "".join(kept))


class Roots(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.roots: list[tuple[str, set[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.depth == 0:
            self.roots.append((tag, {attribute for attribute, _ in attrs}))
        if tag not in VOID:
            self.depth += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.depth == 0:
            self.roots.append((tag, {attribute for attribute, _ in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.depth -= 1
