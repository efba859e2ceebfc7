"""Who belongs to a project: at least one admin who can sign in stays, and who is removed is shut out at once."""

from __future__ import annotations

from functools import partial

import pytest
from django.test import Client

from orchestrations import invitations, memberships, tokens
from orchestrations.access import Actor, Denied
from orchestrations.memberships import AlreadyMember, LastAdmin, NotAMember
from orchestrations.models import Membership, Project, Role, User
from tests import builders
from tests.builders import NOW
from tests.jobs.racing import ROUNDS, race, unexpected

pytestmark = pytest.mark.django_db


def of(project: Project, user: User) -> Membership:
    membership: Membership = project.memberships.select_related("project", "user").get(user=user)
    return membership


def test_an_admin_changes_the_role_of_another_member(project: Project, bob: User, by_alice: Actor) -> None:
    memberships.change_role(of(project, bob), Role.EDITOR, actor=by_alice)

    assert of(project, bob).role == Role.EDITOR


@pytest.mark.parametrize("role", [Role.EDITOR, Role.OPERATOR, Role.VIEWER])
def test_nobody_else_may(role: Role, project: Project, bob: User, alice: User) -> None:
    other = Actor(user=builders.build_member(project, "other@example.org", role))
    membership = of(project, bob)

    with pytest.raises(Denied):
        memberships.change_role(membership, Role.ADMIN, actor=other)
    with pytest.raises(Denied):
        memberships.remove(membership, actor=other)
    with pytest.raises(Denied):
        memberships.add(project, builders.build_user("new@example.org"), Role.VIEWER, actor=other, now=NOW)
    assert of(project, bob).role == Role.VIEWER


def test_the_last_admin_stays(project: Project, alice: User, by_alice: Actor) -> None:
    membership = of(project, alice)

    with pytest.raises(LastAdmin, match="make somebody else admin first"):
        memberships.change_role(membership, Role.EDITOR, actor=by_alice)
    with pytest.raises(LastAdmin):
        memberships.remove(membership, actor=by_alice)
    assert of(project, alice).role == Role.ADMIN


def test_an_admin_who_cannot_sign_in_does_not_count(project: Project, alice: User, by_alice: Actor) -> None:
    invitations.invite(project, "invited@example.org", Role.ADMIN, actor=by_alice, now=NOW)
    left = builders.build_member(project, "left@example.org", Role.ADMIN)
    User.objects.filter(pk=left.pk).update(is_active=False)

    with pytest.raises(LastAdmin):
        memberships.remove(of(project, alice), actor=by_alice)


def test_with_another_admin_one_may_go(project: Project, alice: User, by_alice: Actor) -> None:
    builders.build_member(project, "second@example.org", Role.ADMIN)

    memberships.remove(of(project, alice), actor=by_alice)

    assert not project.memberships.filter(user=alice).exists()


def test_a_member_is_added_once(project: Project, bob: User, by_alice: Actor) -> None:
    with pytest.raises(AlreadyMember, match="is a member of Analytics already"):
        memberships.add(project, bob, Role.ADMIN, actor=by_alice, now=NOW)


def test_who_was_removed_meanwhile_is_named(project: Project, bob: User, by_alice: Actor) -> None:
    membership = of(project, bob)
    project.memberships.filter(user=bob).delete()

    with pytest.raises(NotAMember, match="Bob is no member any more"):
        memberships.change_role(membership, Role.EDITOR, actor=by_alice)


def test_sessions_and_tokens_of_who_was_removed_are_shut_out_at_once(
    project: Project, bob: User, by_alice: Actor, client: Client
) -> None:
    _, text = tokens.create_personal(project, bob, description="Bob's laptop", now=NOW)
    client.force_login(bob)
    page, program = f"/projects/{project.pk}/members/", {"X-StorageApi-Token": text}
    before = client.get(page).status_code, Client().get("/queue/search/jobs", headers=program).status_code

    memberships.remove(of(project, bob), actor=by_alice)

    assert before == (200, 200)
    assert client.get(page).status_code == 404
    assert Client().get("/queue/search/jobs", headers=program).status_code in (401, 403)


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_demote_each_other_at_once_one_stays(project: Project, alice: User) -> None:
    second = builders.build_member(project, "second@example.org", Role.ADMIN)
    pair = [alice, second]
    for number in range(ROUNDS):
        project.memberships.update(role=Role.ADMIN)
        both = [of(project, user) for user in pair]

        results = race(
            partial(memberships.change_role, both[1], Role.EDITOR, actor=Actor(user=alice)),
            partial(memberships.change_role, both[0], Role.EDITOR, actor=Actor(user=second)),
        )

        assert not unexpected(results, LastAdmin, Denied), number
        assert project.memberships.filter(role=Role.ADMIN).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_leave_at_once_one_stays(project: Project, alice: User) -> None:
    second = builders.build_member(project, "second@example.org", Role.ADMIN)
    for _ in range(ROUNDS):
        for user in (alice, second):
            Membership.objects.get_or_create(
                project=project, user=user, defaults={"role": Role.ADMIN, "created_at": NOW}
            )
        both = [of(project, alice), of(project, second)]

        results = race(
            partial(memberships.remove, both[0], actor=Actor(user=alice)),
            partial(memberships.remove, both[1], actor=Actor(user=second)),
        )

        assert not unexpected(results, LastAdmin)
        assert project.memberships.filter(role=Role.ADMIN).count() == 1
