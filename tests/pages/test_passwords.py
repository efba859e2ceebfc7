"""A forgotten password, and invitations by mail."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from orchestrations.models import AccountMail, Project, User

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
NEW = "another correct horse battery"


@pytest.fixture
def mail_server(settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example.org"


def test_a_link_sets_a_new_password_once(alice: User, mail_server: None, client: Client) -> None:
    for _ in range(2):
        assert client.post(reverse("password-forgotten"), {"email": "Alice@example.org"}).status_code == 302
    mail = AccountMail.objects.get()
    link = re.findall(r"http://testserver(\S+)", mail.text)[0]

    page = client.get(link, follow=True)
    form = {"new_password1": NEW, "new_password2": NEW}
    assert client.post(page.redirect_chain[-1][0], {**form, "new_password2": "other"}).status_code == 200
    assert client.post(page.redirect_chain[-1][0], form).status_code == 302

    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert b"was used already" in Client().get(link, follow=True).content


@pytest.mark.parametrize("email", ["nobody@example.org", "gone@example.org", "invited@example.org", "\x00", ""])
def test_nobody_learns_whether_there_is_an_account(email: str, alice: User, mail_server: None, client: Client) -> None:
    User.objects.create_user("gone@example.org", NEW, name="Gone", is_active=False)
    User.objects.create_user("invited@example.org", None, name="Invited")
    known = client.post(reverse("password-forgotten"), {"email": alice.email}, follow=True)
    AccountMail.objects.all().delete()

    unknown = Client().post(reverse("password-forgotten"), {"email": email}, follow=True)

    assert (unknown.status_code, unknown.redirect_chain) == (known.status_code, known.redirect_chain)
    assert not AccountMail.objects.exists()


def test_without_a_mail_server_nothing_is_promised(alice: User, client: Client, settings: Any) -> None:
    settings.EMAIL_HOST = ""

    answer = client.post(reverse("password-forgotten"), {"email": alice.email})

    assert b"sends no mail" in answer.content
    assert not AccountMail.objects.exists()


def test_an_invitation_is_mailed(project: Project, mail_server: None, as_alice: Client) -> None:
    invite = reverse("member-new", args=[project.pk])
    as_alice.post(invite, {"email": "new@example.org", "role": "viewer"})

    mail = AccountMail.objects.get()
    assert (mail.user.email, mail.subject) == ("new@example.org", f"Alice invites you to {project.name}")
    link = re.findall(r"http://testserver(\S+)", mail.text)[0]
    assert Client().get(link).status_code == 200
    page = as_alice.get(reverse("members", args=[project.pk])).content.decode()
    assert link not in page
    assert "An invitation is on its way to new@example.org." in page
