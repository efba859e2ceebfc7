"""Names of Storage: ids of tables and buckets, and how a name is made to fit them (DESIGN §6)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

NAME_LIMIT = 96
PREFIX = "c-"
NAME = "[A-Za-z0-9_][A-Za-z0-9_-]*"
_NAME = re.compile(NAME)
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


class InvalidName(ValueError):
    """Not the id of a bucket or table; the sentence repeats what was given, cut short."""


@dataclass(frozen=True, order=True)
class BucketId:
    """``in.c-sales``; ``name`` has the prefix."""

    stage: str
    name: str

    def __str__(self) -> str:
        return f"{self.stage}.{self.name}"


@dataclass(frozen=True, order=True)
class TableId:
    """``in.c-sales.orders``."""

    bucket: BucketId
    name: str

    def __str__(self) -> str:
        return f"{self.bucket}.{self.name}"


def bucket_id(text: object) -> BucketId:
    """Raises InvalidName."""
    stage, _, name = text.partition(".") if isinstance(text, str) else ("", "", "")
    if stage not in ("in", "out") or not name.startswith(PREFIX) or not is_name(name.removeprefix(PREFIX), spare=2):
        raise InvalidName(f'"{_short(text)}" is not the id of a bucket, such as in.c-sales')
    return BucketId(stage, name)


def table_id(text: object) -> TableId:
    """Raises InvalidName."""
    bucket, _, name = text.rpartition(".") if isinstance(text, str) else ("", "", "")
    try:
        found = bucket_id(bucket)
    except InvalidName:
        found = None
    if found is None or not is_name(name):
        raise InvalidName(f'"{_short(text)}" is not the id of a table, such as in.c-sales.orders')
    return TableId(found, name)


def is_name(text: str, *, spare: int = 0) -> bool:
    """Whether this may be the name of a table, or what follows c- in that of a bucket."""
    return len(text) <= NAME_LIMIT - spare and _NAME.fullmatch(text) is not None


def cleaned(text: str, *, spare: int = 0) -> str:
    """The nearest name: letters without accents, everything else that does not fit as one dash; "" when none is left.

    ``spare``: how many characters shorter than a name may be it has to stay.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _UNFIT.sub("-", plain).strip("-")[: NAME_LIMIT - spare].rstrip("-")


def default_bucket(component_id: str, configuration_key: str, *, stage: str) -> BucketId:
    """The bucket of a configuration's output that says no other: ``in.c-acme-ex-weather-17``."""
    name = cleaned(f"{component_id.replace('.', '-')}-{configuration_key}", spare=len(PREFIX))
    return BucketId(stage, f"{PREFIX}{name}")


def _short(text: object) -> str:
    return str(text)[:120]
