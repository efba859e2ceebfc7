"""Values of the environment, as settings read them."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from orchestration_site import environment


@pytest.mark.parametrize(
    ("given", "read"),
    [("", False), ("no", False), ("Yes", True), ("1", True), ("nas, 10.0.0.0/8,", ["nas", "10.0.0.0/8"])],
)
def test_a_setting_may_be_yes_no_or_words(monkeypatch: pytest.MonkeyPatch, given: str, read: object) -> None:
    monkeypatch.setenv("TUTTI_ODD", given)

    assert environment.flag_or_words("ODD") == read


def test_a_comma_alone_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTTI_ODD", ",")

    with pytest.raises(ImproperlyConfigured, match="TUTTI_ODD must be yes or no"):
        environment.flag_or_words("ODD")
