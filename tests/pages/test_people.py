"""Profile, password, time zone; members and invitations; new projects and their settings."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orchestrations.models import Membership, Project, Role, User
from tests import builders
from tests.builders import PASSWORD
from tests.pages.conftest import log_in

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

NEW_PASSWORD = "a staple for every battery"
PROFILE = {
    "form": "profile",
    "name": "Alice B.",
    "time_zone": "Europe/Prague",
    "theme": "dark",
}


def address(name: str, *arguments: object) -> str:
    return reverse(name, args=arguments)


def told(response: Any, client: Client) -> str:
    """What the page says on which one lands."""
    text: str = client.get(response["Location"]).text
    return text


# --- Profile -----------------------------------------------------------------------------------


def test_the_profile_is_saved(alice: User, as_alice: Client) -> None:
    response = as_alice.post("/profile/", {**PROFILE, "mail_on_success": "on"})

    alice.refresh_from_db()
    assert "Profile saved." in told(response, as_alice)
    assert (alice.name, alice.theme, str(alice.time_zone)) == ("Alice B.", "dark", "Europe/Prague")
    assert (alice.mail_on_success, alice.mail_on_error) == (True, False)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "This field is required."),
        ("time_zone", "Mars/Base", "Select a valid choice."),
        ("theme", "pink", "Select a valid choice."),
    ],
)
def test_a_refused_profile_keeps_what_was_typed(
    field: str, value: str, sentence: str, alice: User, bob: User, as_alice: Client
) -> None:
    response = as_alice.post("/profile/", {**PROFILE, "name": "Typed", field: value})

    alice.refresh_from_db()
    assert response.status_code == 422
    assert sentence in response.text
    assert re.search(rf'aria-describedby="[^"]*id_{field}_error', response.text) or field == "theme"
    assert f'id="id_{field}_error"' in response.text
    assert 'value="Typed"' in response.text or field == "name"
    assert (alice.name, alice.email) == ("Alice", "alice@example.org")


def test_nobody_renames_an_account_to_the_address_of_somebody_else(alice: User, as_alice: Client) -> None:
    as_alice.post("/profile/", {**PROFILE, "email": "boss@example.org"})

    alice.refresh_from_db()
    assert (alice.name, alice.email) == ("Alice B.", "alice@example.org")


def test_a_borrowed_session_cannot_guess_the_password(alice: User, as_alice: Client, settings: Any) -> None:
    settings.LOGIN_ATTEMPTS = 3
    form = {"form": "password", "current": "wrong", "password": NEW_PASSWORD}
    for _ in range(3):
        as_alice.post("/profile/", form)

    response = as_alice.post("/profile/", {**form, "current": PASSWORD})

    assert response.status_code == 422
    assert "Too many attempts." in response.text
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_a_new_password_ends_every_other_session(alice: User, as_alice: Client) -> None:
    elsewhere = log_in(alice)

    response = as_alice.post("/profile/", {"form": "password", "current": PASSWORD, "password": NEW_PASSWORD})

    assert "Password changed. Every other session has ended." in told(response, as_alice)
    assert as_alice.get("/profile/").status_code == 200
    assert elsewhere.get("/profile/").status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)


@pytest.mark.parametrize(
    ("current", "new", "sentence"),
    [
        ("wrong", NEW_PASSWORD, "This is not your current password."),
        (PASSWORD, "alice@example.org", "The password is too similar to the email."),
        (PASSWORD, "1234", "This password is too short."),
    ],
)
def test_a_refused_password_changes_nothing(
    current: str, new: str, sentence: str, alice: User, as_alice: Client
) -> None:
    response = as_alice.post("/profile/", {"form": "password", "current": current, "password": new})

    alice.refresh_from_db()
    assert response.status_code == 422
    assert sentence in response.text
    assert current not in response.text
    assert alice.check_password(PASSWORD)


# --- Time zone ---------------------------------------------------------------------------------


def test_the_time_zone_of_the_browser_is_taken_once(as_alice: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone=None)

    as_alice.post("/time-zone/", {"zone": "Mars/Base"})
    asked = as_alice.get("/profile/").text
    taken = as_alice.post("/time-zone/", {"zone": "Asia/Kathmandu"}, headers={"HX-Request": "true"})
    again = as_alice.post("/time-zone/", {"zone": "Europe/Prague"}, headers={"HX-Request": "true"})

    alice.refresh_from_db()
    assert 'data-offer-time-zone="/time-zone/"' in asked
    assert (taken.get("HX-Refresh"), again.get("HX-Refresh")) == ("true", None)
    assert alice.time_zone == ZoneInfo("Asia/Kathmandu")
    page = as_alice.get("/profile/").text
    assert 'Times are shown in Asia/Kathmandu. <a href="/profile/">Change</a>' in page
    assert "data-offer-time-zone" not in page


def test_every_zone_is_offered_with_its_clock(as_alice: Client) -> None:
    page = as_alice.get("/profile/").text

    assert re.search(r'value="Asia/Kathmandu">Asia/Kathmandu, \d\d:\d\d \(UTC\+05:45\)<', page)
    assert re.search(r'value="UTC" selected>UTC, \d\d:\d\d \(UTC\+00:00\)<', page)


# --- Members -----------------------------------------------------------------------------------


def test_a_viewer_sees_who_is_there_and_changes_nothing(project: Project, as_bob: Client) -> None:
    page = as_bob.get(address("members", project.pk)).text

    assert "alice@example.org" in page
    assert "Invite" not in page
    assert "Change" not in page


def test_a_link_is_shown_once_and_makes_an_account(project: Project, as_alice: Client, client: Client) -> None:
    response = as_alice.post(address("member-new", project.pk), {"email": "new@example.org", "role": "operator"})
    first, second = told(response, as_alice), told(response, as_alice)

    link = re.search(r'value="http://testserver(/invitation/[^"]+)"', first)
    assert link
    assert "Mail is not set up: send this link yourself." in first
    assert link.group(1) not in second
    assert "Invited, has not come yet" in second
    guest = Client()
    assert "You are invited to <b>Analytics</b>" in guest.get(link.group(1)).text
    refused = guest.post(link.group(1), {"name": "Nora", "password": "1234"})
    accepted = guest.post(link.group(1), {"name": "Nora", "password": PASSWORD})
    assert (refused.status_code, accepted["Location"]) == (422, "/")
    assert 'value="Nora"' in refused.text
    assert guest.get(address("dashboard", project.pk)).status_code == 200
    assert Client().get(link.group(1)).status_code == 404
    assert Membership.objects.get(user__name="Nora").role == Role.OPERATOR


def test_somebody_known_is_added_once_the_admin_has_said_who_is_meant(
    project: Project, charlie: User, as_alice: Client
) -> None:
    form = {"email": "charlie@example.org", "role": "viewer"}

    asked = as_alice.post(address("member-new", project.pk), form)
    before = project.memberships.filter(user=charlie).exists()
    response = as_alice.post(address("member-new", project.pk), {**form, "confirmed": charlie.pk})

    assert asked.status_code == 422
    assert "by the name “Charlie”" in asked.text
    assert f'name="confirmed" value="{charlie.pk}"' in asked.text
    assert not before
    page = told(response, as_alice)
    assert "Charlie was added." in page
    assert "/invitation/" not in page


@pytest.mark.parametrize(
    ("email", "role", "sentence"),
    [
        ("bob@example.org", "viewer", "is a member of Analytics already"),
        ("nobody", "viewer", "Enter a valid email address."),
        ("new@example.org", "king", "Select a valid choice."),
        ("new@example.org", "", "This field is required."),
    ],
)
def test_a_refused_invitation_says_why(
    email: str, role: str, sentence: str, project: Project, bob: User, as_alice: Client
) -> None:
    response = as_alice.post(address("member-new", project.pk), {"email": email, "role": role})

    assert response.status_code == 422
    assert sentence in response.text
    assert f'value="{email}"' in response.text


def test_the_role_of_a_member_is_changed(project: Project, bob: User, as_alice: Client) -> None:
    membership = project.memberships.get(user=bob)

    response = as_alice.post(address("member", project.pk, membership.pk), {"role": "editor"})

    assert "Bob is editor now." in told(response, as_alice)
    membership.refresh_from_db()
    assert membership.role == Role.EDITOR


@pytest.mark.parametrize("page", ["member", "member-removal"])
def test_the_last_admin_is_kept_with_a_sentence(page: str, project: Project, alice: User, as_alice: Client) -> None:
    membership = project.memberships.get(user=alice)

    response = as_alice.post(address(page, project.pk, membership.pk), {"role": "viewer"})

    assert response.status_code == 422
    assert "Analytics needs an admin: make somebody else admin first." in response.text


def test_removing_asks_first(project: Project, bob: User, as_alice: Client) -> None:
    removal = address("member-removal", project.pk, project.memberships.get(user=bob).pk)

    asked = as_alice.get(removal)
    before = project.memberships.filter(user=bob).exists()
    response = as_alice.post(removal)

    assert "Remove Bob?" in asked.text
    assert before
    assert "Bob was removed." in told(response, as_alice)
    assert not project.memberships.filter(user=bob).exists()


def test_who_leaves_lands_on_a_page_of_their_own(project: Project, alice: User, as_alice: Client) -> None:
    builders.build_member(project, "second@example.org", Role.ADMIN)

    response = as_alice.post(address("member-removal", project.pk, project.memberships.get(user=alice).pk))

    assert response["Location"] == "/"
    assert "You are in no project yet" in as_alice.get("/").text


# --- Projects ----------------------------------------------------------------------------------


def test_whoever_makes_a_project_is_its_admin(project: Project) -> None:
    as_editor = log_in(builders.build_member(project, "editor@example.org", Role.EDITOR))

    response = as_editor.post("/projects/new/", {"name": "Finance"})

    made = Project.objects.get(name="Finance")
    assert response["Location"] == address("dashboard", made.pk)
    assert made.memberships.get().role == Role.ADMIN
    assert "Project Finance created." in told(response, as_editor)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, None])
def test_nobody_makes_themselves_an_admin_by_a_project_of_their_own(role: Role | None, project: Project) -> None:
    """Its programs would run as the user of the workers, who reads every project."""
    person = builders.build_member(project, "p@example.org", role) if role else builders.build_user("p@example.org")
    asking = log_in(person)

    statuses = [asking.get("/projects/new/").status_code, asking.post("/projects/new/", {"name": "Mine"}).status_code]

    assert statuses == [403, 403]
    assert list(Project.objects.all()) == [project]
    assert "/projects/new/" not in asking.get("/", follow=True).text


def test_a_project_needs_a_name(project: Project, as_alice: Client) -> None:
    page = as_alice.get("/", follow=True).text

    assert as_alice.post("/projects/new/", {"name": " "}).status_code == 422
    assert "/projects/new/" in page


def test_the_administrator_of_the_site_makes_the_first_one(charlie: User, as_charlie: Client) -> None:
    charlie.is_superuser = True
    charlie.save(update_fields=["is_superuser"])

    assert "/projects/new/" in as_charlie.get("/").text
    assert as_charlie.post("/projects/new/", {"name": "First"}).status_code == 302


def test_settings_are_saved(project: Project, as_alice: Client) -> None:
    response = as_alice.post(address("project-settings", project.pk), {"name": "Insights", "parallel_jobs": "3"})

    project.refresh_from_db()
    assert "Settings saved." in told(response, as_alice)
    assert (project.name, project.parallel_jobs) == ("Insights", 3)


@pytest.mark.parametrize("number", ["0", "-1", "1001", "many", ""])
def test_refused_settings_change_nothing(number: str, project: Project, as_alice: Client) -> None:
    response = as_alice.post(address("project-settings", project.pk), {"name": "Insights", "parallel_jobs": number})

    project.refresh_from_db()
    assert response.status_code == 422
    assert 'value="Insights"' in response.text
    assert (project.name, project.parallel_jobs) == ("Analytics", 10)


# --- Everybody ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "method"), [("profile", "get"), ("profile", "post"), ("project-new", "get"), ("time-zone", "post")]
)
def test_people_who_have_not_signed_in_are_led_to_the_login(name: str, method: str, client: Client) -> None:
    response = getattr(client, method)(address(name))

    assert response.status_code == 302
    assert response["Location"].startswith("/login/?next=/")


def test_the_list_of_members_asks_a_constant_number_of_questions(project: Project, as_alice: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_alice.get(address("members", project.pk))
        return len(captured)

    count()  # the first request also notes the session
    of_one = count()
    for number in range(10):
        builders.build_member(project, f"member-{number}@example.org", Role.VIEWER)

    assert count() == of_one <= 10


def test_the_menus_offer_what_the_person_may_do(project: Project, as_alice: Client, as_bob: Client) -> None:
    page = address("dashboard", project.pk)

    for client, offered in ((as_alice, True), (as_bob, False)):
        assert (address("project-settings", project.pk) in client.get(page).text) is offered
        assert address("members", project.pk) in client.get(page).text
