"""Addresses by name for pages of floors above, which may not be there."""

from django.urls import NoReverseMatch, reverse


def find(name: str, *arguments: object) -> str:
    """The address, or "" when this site has no such page."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""
