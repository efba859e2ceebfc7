"""Whoever holds the link is the person: good for one use and a week, and given to nobody who may not have it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from orchestrations import invitations, memberships
from orchestrations.access import Actor
from orchestrations.invitations import CannotInvite, Invitation, Unconfirmed
from orchestrations.models import Project, Role, User
from tests import builders
from tests.builders import NOW, PASSWORD
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db


@pytest.fixture
def invited(project: Project, by_alice: Actor) -> Invitation:
    return invite(project, by_alice)


def invite(project: Project, actor: Actor, email: str = "New@Example.org ", confirmed: int | None = None) -> Invitation:
    return invitations.invite(project, email, Role.EDITOR, actor=actor, now=NOW, confirmed=confirmed)


def find(invited: Invitation, secret: str = "") -> User | None:
    return invitations.find(invited.membership.user_id, secret or invited.secret)


def test_an_unknown_address_gets_an_account_that_nobody_can_sign_in_to(invited: Invitation) -> None:
    user = User.objects.get(email="new@example.org")

    assert not user.has_usable_password()
    assert invited.membership.role == Role.EDITOR
    assert find(invited) == user


@pytest.mark.parametrize("wrong", [None, 0])
def test_a_known_address_is_not_added_before_the_admin_has_said_whose_it_is(
    project: Project, charlie: User, by_alice: Actor, wrong: int | None
) -> None:
    with pytest.raises(Unconfirmed, match="by the name “Charlie”"):
        invite(project, by_alice, charlie.email, confirmed=wrong)
    assert not project.memberships.filter(user=charlie).exists()


@pytest.mark.parametrize(
    "more",
    [{"is_superuser": True}, {"is_staff": True}, {"is_active": False}, {"last_login": NOW}],
    ids=lambda more: next(iter(more)),
)
def test_no_link_opens_an_account_that_is_more_than_an_invitation(
    project: Project, by_alice: Actor, more: dict[str, Any]
) -> None:
    root = User.objects.create_user("root@example.org", None, name="Root", **more)

    with pytest.raises(CannotInvite, match="no invitation can open"):
        invite(project, by_alice, root.email)
    assert not project.memberships.filter(user=root).exists()


def test_a_link_opens_nothing_once_its_account_administers_the_site(invited: Invitation) -> None:
    User.objects.filter(pk=invited.membership.user_id).update(is_superuser=True)

    assert find(invited) is None


def test_the_confirmed_owner_of_a_known_address_is_added(project: Project, charlie: User, by_alice: Actor) -> None:
    invited = invite(project, by_alice, charlie.email, confirmed=charlie.pk)

    assert (invited.membership.user, invited.secret) == (charlie, "")
    assert charlie.has_usable_password()


def test_the_link_works_once(invited: Invitation) -> None:
    user = find(invited)
    assert user is not None

    accepted = invitations.accept(user, name=" Nora ", password=PASSWORD)

    user.refresh_from_db()
    assert accepted
    assert (user.name, user.check_password(PASSWORD)) == ("Nora", True)
    assert find(invited) is None


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_the_link_at_once_one_gets_in(project: Project, by_alice: Actor) -> None:
    for number in range(ROUNDS):
        link = invite(project, by_alice, f"new-{number}@example.org")
        first, second = find(link), find(link)
        assert first is not None
        assert second is not None

        results = race(
            lambda user=first: invitations.accept(user, name="First", password="first one's password"),
            lambda user=second: invitations.accept(user, name="Second", password="second one's password"),
        )

        assert not unexpected(results)
        assert sorted(results) == [False, True]


def test_the_link_expires(project: Project, by_alice: Actor) -> None:
    with time_machine.travel(NOW, tick=False):
        link = invite(project, by_alice)

    def found_at(moment: datetime) -> User | None:
        with time_machine.travel(moment, tick=False):
            return find(link)

    assert found_at(NOW + timedelta(days=7)) is not None
    assert found_at(NOW + timedelta(days=7, seconds=1)) is None


def test_a_newer_link_ends_the_older_one(invited: Invitation, by_alice: Actor) -> None:
    renewed = invitations.renew(invited.membership, actor=by_alice)

    assert find(invited) is None
    assert find(invited, renewed) is not None


def test_who_was_removed_before_coming_cannot_come(invited: Invitation, by_alice: Actor) -> None:
    memberships.remove(invited.membership, actor=by_alice)

    assert find(invited) is None


def test_who_has_an_account_gets_no_link(project: Project, bob: User, by_alice: Actor) -> None:
    with pytest.raises(CannotInvite, match="needs no invitation"):
        invitations.renew(project.memberships.get(user=bob), actor=by_alice)


def test_the_admin_of_one_project_gets_no_link_into_another(
    project: Project, invited: Invitation, charlie: User
) -> None:
    other = builders.build_project(charlie, "Other")

    with pytest.raises(CannotInvite, match="was invited to another project too"):
        invite(other, Actor(user=charlie), "new@example.org")
    assert not other.memberships.filter(user=invited.membership.user).exists()
    assert find(invited) is not None


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@example.org", f"{'a' * 250}@example.org"])
def test_what_is_no_address_is_refused(email: str, project: Project, by_alice: Actor) -> None:
    with pytest.raises(CannotInvite):
        invite(project, by_alice, email)
    assert User.objects.count() == 1


def test_the_link_of_another_person_opens_nothing(project: Project, invited: Invitation, by_alice: Actor) -> None:
    other = invite(project, by_alice, "other@example.org")

    assert invitations.find(other.membership.user_id, invited.secret) is None
    assert invitations.find(10**30, invited.secret) is None
