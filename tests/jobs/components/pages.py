"""Reads a page of the docs as somebody would who follows it: files to make, commands to type, results to expect."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^`(?P<file>[^`\n]+)`(?P<later> afterwards)?\n\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """``file``: the name that heads it, "" for commands and what they print."""

    file: str
    is_result: bool
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield Block(match["file"] or "", bool(match["later"]), match["language"], match["text"])
