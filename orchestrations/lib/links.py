"""Addresses by name: those that lists ask for again and again, and those of floors above, which may not be there."""

from functools import lru_cache

from django.urls import NoReverseMatch, reverse


@lru_cache(maxsize=16_384)
def of(name: str, *arguments: int | str) -> str:
    """Remembered: Django takes as long for an address as for drawing the row it stands in."""
    return reverse(name, args=arguments)


@lru_cache(maxsize=16_384)
def find(name: str, *arguments: int | str) -> str:
    """As ``of``, or "" when this site has no such page."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""
