"""The throttle of failed sign-ins counts people and addresses, however they are written (DESIGN §8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.test import RequestFactory
from django.utils import timezone

from orchestrations.models import LoginAttempt, User
from tests.builders import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(email: str, password: str, **meta: Any) -> Any:
    return authenticate(RequestFactory().post("/login/", **meta), username=email, password=password)


def test_the_right_password_is_of_no_use_after_too_many_wrong_ones(alice: User, settings: Any) -> None:
    settings.LOGIN_ATTEMPTS = 2
    before = sign_in(alice.email, PASSWORD)

    sign_in(alice.email, "wrong")
    sign_in(alice.email.upper(), "wrong")

    assert before == alice
    assert sign_in(alice.email, PASSWORD) is None


def test_a_letter_that_a_database_takes_for_another_is_another_person(alice: User) -> None:
    assert sign_in("al\u0131ce@example.org", PASSWORD) is None
    assert sign_in("Alice@Example.org", PASSWORD) == alice


def test_behind_a_proxy_one_address_shuts_nobody_else_out(alice: User, settings: Any) -> None:
    settings.LOGIN_ATTEMPTS, settings.BEHIND_PROXY = 1, True

    for number in range(11):
        sign_in(f"guess-{number}@example.org", "wrong", HTTP_X_FORWARDED_FOR="1.1.1.1, 192.0.2.1")

    assert set(LoginAttempt.objects.values_list("address", flat=True)) == {"192.0.2.1"}
    assert sign_in(alice.email, PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.1") is None
    assert sign_in(alice.email, PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.2") == alice


def test_without_a_proxy_nobody_chooses_an_address(alice: User, settings: Any) -> None:
    settings.BEHIND_PROXY = False

    sign_in(alice.email, "wrong", HTTP_X_FORWARDED_FOR="192.0.2.1")

    assert LoginAttempt.objects.get().address == "127.0.0.1"


def test_old_attempts_are_forgotten(alice: User) -> None:
    LoginAttempt.objects.create(email="x@example.org", address="", at=timezone.now() - timedelta(days=31))

    sign_in(alice.email, "wrong")

    assert LoginAttempt.objects.get().email == alice.email
