"""The admin shows every model, changes only what people may change there, and never counts a large table."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import (
    Cluster,
    Delivery,
    DeliveryAttempt,
    Job,
    JobEvent,
    LogChunk,
    Notice,
    TableImport,
    TableUpdate,
    WatchedTable,
)
from jobs.notifying import delivering, expanding
from jobs.states import JobStatus
from orchestrations import subscribing, tokens
from orchestrations.access import Actor
from orchestrations.models import (
    AccountMail,
    Bucket,
    BucketShare,
    Configuration,
    ConfigurationMetadata,
    ConfigurationVersion,
    LoginAttempt,
    Membership,
    Orchestration,
    Phase,
    Project,
    Role,
    Subscription,
    Table,
    TableFolder,
    TableUse,
    Task,
    Token,
    TokenEvent,
    UseKind,
    User,
)
from orchestrations.subscribing import Wanted
from scheduling.models import Chore, Evaluation, EventTrigger, Firing, Schedule, Scheduler
from tests import builders
from tests.builders import NOW, PASSWORD, task

pytestmark = pytest.mark.django_db

READ_ONLY: list[type[Model]] = [
    AccountMail,
    Bucket,
    BucketShare,
    Chore,
    Cluster,
    Configuration,
    ConfigurationMetadata,
    ConfigurationVersion,
    Delivery,
    DeliveryAttempt,
    Evaluation,
    EventTrigger,
    Firing,
    Job,
    JobEvent,
    LogChunk,
    LoginAttempt,
    Notice,
    Orchestration,
    Phase,
    Subscription,
    Schedule,
    Scheduler,
    Table,
    TableFolder,
    TableImport,
    TableUpdate,
    TableUse,
    Task,
    Token,
    TokenEvent,
    WatchedTable,
]
EDITABLE: list[type[Model]] = [Group, Membership, Project, User]
MODELS = [*READ_ONLY, *EDITABLE]


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root@example.org", PASSWORD, name="Root")


@pytest.fixture
def as_root(root: User, client: Client) -> Client:
    client.force_login(root)
    return client


def test_every_model_of_ours_is_registered_and_no_other() -> None:
    assert set(admin.site._registry) == set(MODELS)


# Building a row of every model costs more than to look at them all: each test does it once for all models.
def test_a_list_costs_as_many_queries_for_one_row_as_for_many(as_root: Client, project: Project) -> None:
    build_everything(project)
    urls = {model.__name__: address(model, "changelist") for model in MODELS}
    for url in urls.values():
        as_root.get(url)  # what is read once per process

    few = {name: count_queries(as_root, url) for name, url in urls.items()}
    for _ in range(3):
        build_everything(project)

    assert {name: count_queries(as_root, url) for name, url in urls.items()} == few
    assert {name: count for name, count in few.items() if count > 12} == {}


def test_a_row_opens_with_a_bounded_number_of_queries(as_root: Client, project: Project) -> None:
    for _ in range(3):
        build_everything(project)

    counts = {model.__name__: count_queries(as_root, address(model, "change", last_of(model).pk)) for model in MODELS}

    assert {name: count for name, count in counts.items() if count > 20} == {}


@pytest.mark.one_database
def test_what_the_verbs_change_is_only_shown(as_root: Client, project: Project) -> None:
    build_everything(project)
    statuses = {}
    for model in READ_ONLY:
        row = last_of(model)
        answers = [
            as_root.get(address(model, "add")),
            as_root.post(address(model, "change", row.pk), {"name": "Changed"}),
            as_root.post(address(model, "delete", row.pk), {"post": "yes"}),
        ]
        statuses[model.__name__] = [answer.status_code for answer in answers]
        assert model._default_manager.filter(pk=row.pk).exists()

    assert statuses == {model.__name__: [403, 403, 403] for model in READ_ONLY}


@pytest.mark.one_database
def test_a_large_table_is_not_counted_in_full(as_root: Client, project: Project) -> None:
    build_everything(project)
    unbounded = {}
    for model in MODELS:
        with CaptureQueriesContext(connection) as queries:
            as_root.get(address(model, "changelist"))

        table = f'FROM "{model._meta.db_table}"'
        counts = [query["sql"] for query in queries if "COUNT(" in query["sql"].upper() and table in query["sql"]]
        assert counts or model is Group, model
        if model is not Group and not all("LIMIT" in sql for sql in counts):
            unbounded[model.__name__] = counts

    assert unbounded == {}


def test_secrets_are_on_no_page(as_root: Client, project: Project) -> None:
    build_everything(project)
    found = Token.objects.all()
    assert any(token.encrypted_secret for token in found)

    for token in found:
        page = as_root.get(address(Token, "change", token.pk)).content.decode()
        assert token.secret_hash not in page
        assert not token.encrypted_secret or token.encrypted_secret not in page
        assert "secret" not in page.lower()


def test_jobs_are_terminated_and_retried_by_the_verbs(as_root: Client, project: Project, root: User) -> None:
    waiting = builders.launch(builders.build_configuration(project))

    answer = act(as_root, Job, "terminate", waiting)
    waiting.refresh_from_db()
    assert waiting.status == JobStatus.CANCELLED
    assert "1 told to stop." in answer
    assert waiting.events.filter(message__contains=str(root)).exists()

    assert "has ended in cancelled already" in act(as_root, Job, "terminate", waiting)
    assert "1 started again." in act(as_root, Job, "retry", waiting)
    again = Job.objects.get(previous_job=waiting)
    assert (again.status, again.created_by) == (JobStatus.WAITING, root)
    assert "has not ended yet" in act(as_root, Job, "retry", again)


def test_configurations_are_switched_and_trashed_by_the_verbs(as_root: Client, project: Project) -> None:
    configuration = builders.build_configuration(project)

    act(as_root, Configuration, "disable", configuration)
    configuration.refresh_from_db()
    assert (configuration.is_disabled, configuration.version) == (True, 2)
    act(as_root, Configuration, "enable", configuration)
    act(as_root, Configuration, "move_to_trash", configuration)
    configuration.refresh_from_db()
    assert (configuration.is_disabled, configuration.deleted_at is None) == (False, False)
    act(as_root, Configuration, "restore", configuration)
    configuration.refresh_from_db()
    assert configuration.deleted_at is None


def test_a_staff_member_without_a_role_terminates_nothing(client: Client, project: Project) -> None:
    job = builders.launch(builders.build_configuration(project))
    staff = builders.build_user("staff@example.org", is_staff=True)
    staff.user_permissions.set(view_permissions())
    client.force_login(staff)

    answer = act(client, Job, "terminate", job)

    job.refresh_from_db()
    assert job.status == JobStatus.WAITING
    assert "This needs the role operator" in answer


def test_a_person_is_made_by_e_mail_and_signs_in(as_root: Client, client: Client) -> None:
    fields = {"email": "New@Example.org", "name": "New", "usable_password": "true"}

    made = as_root.post(address(User, "add"), {**fields, "password1": PASSWORD, "password2": PASSWORD})

    assert made.status_code == 302
    user = User.objects.get(email="new@example.org")
    assert user.check_password(PASSWORD)
    again = as_root.post(address(User, "add"), {**fields, "password1": PASSWORD, "password2": PASSWORD})
    assert again.status_code == 200
    assert User.objects.filter(email__iexact="new@example.org").count() == 1


def test_a_person_is_changed_and_never_deleted(as_root: Client, bob: User) -> None:
    fields = {"email": bob.email, "name": "Robert", "theme": "dark", "time_zone": "Europe/Prague", "is_active": "on"}

    changed = as_root.post(address(User, "change", bob.pk), fields)

    assert changed.status_code == 302
    bob.refresh_from_db()
    assert (bob.name, bob.theme, str(bob.time_zone)) == ("Robert", "dark", "Europe/Prague")
    assert as_root.post(address(User, "delete", bob.pk), {"post": "yes"}).status_code == 403


def test_who_may_change_people_cannot_make_administrators(client: Client, bob: User) -> None:
    staff = builders.build_user("staff@example.org", is_staff=True)
    staff.user_permissions.set(all_permissions_on("user"))
    client.force_login(staff)

    client.post(
        address(User, "change", bob.pk),
        {"email": bob.email, "name": "Bob", "theme": "dark", "is_active": "on", "is_superuser": "on", "is_staff": "on"},
    )

    bob.refresh_from_db()
    assert (bob.theme, bob.is_superuser, bob.is_staff) == ("dark", False, False)


def test_who_may_change_people_does_not_take_over_an_administrator(client: Client, root: User) -> None:
    staff = builders.build_user("staff@example.org", is_staff=True)
    staff.user_permissions.set(all_permissions_on("user"))
    client.force_login(staff)
    password = {"password1": "another long password", "password2": "another long password"}

    asked = client.post(reverse("admin:auth_user_password_change", args=[root.pk]), password)

    root.refresh_from_db()
    assert (asked.status_code, root.check_password(PASSWORD)) == (403, True)


def test_a_new_project_has_its_creator_as_admin(as_root: Client, root: User, bob: User) -> None:
    made = as_root.post(address(Project, "add"), {"name": "New one", "parallel_jobs": "3"})

    assert made.status_code == 302
    project = Project.objects.get(name="New one")
    assert project.parallel_jobs == 3
    assert list(project.memberships.values_list("user", "role")) == [(root.pk, Role.ADMIN)]

    management = {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0"}
    row = {"memberships-0-user": str(bob.pk), "memberships-0-role": Role.VIEWER, "memberships-0-project": project.pk}
    added = as_root.post(
        address(Project, "change", project.pk), {"name": "New one", "parallel_jobs": "4", **management, **row}
    )
    assert added.status_code == 302
    assert project.memberships.get(user=bob).role == Role.VIEWER


def test_the_admin_is_closed_to_others(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert client.get(reverse("admin:index")).status_code == 302


def build_everything(project: Project) -> None:
    """At least one more row of every model."""
    number = LoginAttempt.objects.count()
    configuration = builders.build_configuration(project)
    TableUse.objects.create(configuration=configuration, kind=UseKind.READS, table_id="in.c-sales.orders")
    orchestration = builders.build_orchestration(project, [task(configuration)], [task(configuration)])
    builders.launch(orchestration)
    builders.build_cluster()
    job = builders.launch(configuration)
    ConfigurationMetadata.objects.create(configuration=configuration, key="folder", value="Load", updated_at=NOW)
    LogChunk.objects.create(job=job, sequence=0, end_offset=5, lines=1, text="1.0\tI\tHello\n")
    table = builders.build_table(project, f"in.c-sales.orders-{number}")
    builders.build_import(table, job=job)
    TableFolder.objects.create(location=f"1/gone-{number}", removable_at=NOW)
    BucketShare.objects.create(
        bucket=table.bucket, project=builders.build_project(User.objects.get(email="root@example.org")), created_at=NOW
    )
    AccountMail.objects.create(user=owner_of(project), subject="Invitation", text="Come in.", created_at=NOW)
    expanding.expand(now=NOW)
    delivering.deliver("email", clock=lambda: NOW)
    subscribing.subscribe(
        project,
        orchestration,
        Wanted(event="job-failed", channel="email", address="list@example.org"),
        actor=actor_of(project),
        now=NOW,
    )
    Notice.objects.create(job=job, event="job-failed", at=NOW)
    build_automation(orchestration, table, number)
    LoginAttempt.objects.create(email="nobody@example.org", address="127.0.0.1", at=NOW)
    builders.build_member(project, f"member-{number}@example.org", Role.VIEWER)
    token, _ = tokens.create_personal(project, owner_of(project), description=f"Token {number}", now=NOW)
    TokenEvent.objects.create(token=token, at=NOW, kind="token.created", message="Created.", by="Alice")
    Group.objects.create(name=f"Group {number}")


def owner_of(project: Project) -> User:
    owner = actor_of(project).user
    assert owner is not None
    return owner


def build_automation(orchestration: Configuration, table: Table, number: int) -> None:
    schedule = builders.build_schedule(orchestration)
    Firing.objects.create(schedule=schedule, due_at=NOW, at=NOW, outcome="missed")
    trigger = builders.build_trigger(orchestration, table)
    Evaluation.objects.create(trigger=trigger, at=NOW, verdict="awaiting", sentence="Not fired.")
    Scheduler.objects.create(owner=f"scheduler {number}", host="here", started_at=NOW, heartbeat_at=NOW)
    Chore.objects.create(name=f"chore {number}", due_at=NOW)


def actor_of(project: Project) -> Actor:
    return builders.admin_of(project)


def address(model: type[Model], page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def last_of(model: type[Model]) -> Model:
    row = model._default_manager.order_by("pk").last()
    assert row is not None, f"no {model.__name__} was built"
    return row


def count_queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(url)
    assert answer.status_code == 200
    return len(queries)


def act(client: Client, model: type[Model], action: str, row: Model) -> str:
    answer = client.post(
        address(model, "changelist"), {"action": action, "_selected_action": [str(row.pk)]}, follow=True
    )
    assert answer.status_code == 200
    return str(answer.content.decode())


def view_permissions() -> Any:
    return all_permissions_on("job").filter(codename__startswith="view")


def all_permissions_on(model_name: str) -> Any:
    return Permission.objects.filter(content_type__model=model_name)
