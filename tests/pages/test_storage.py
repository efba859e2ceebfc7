"""Pages of Storage: what they show of buckets and tables, and what the dialogs make of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.carrying import program
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import buckets, editing
from orchestrations.models import Bucket, Configuration, Project, Table, User
from tests import builders
from tests.builders import task
from tests.pages.rows import build_job
from tests.pages.test_budgets import count_queries
from tests.pages.world import World

pytestmark = pytest.mark.django_db


def address(name: str, world: World, *more: object) -> str:
    return reverse(name, args=[world.project.pk, *more])


@pytest.fixture
def finance(world: World) -> Project:
    return world.shared.project


# --- What is there -----------------------------------------------------------------------------


def test_buckets_stand_by_stage_with_what_they_hold_and_whose_they_are(world: World, as_bob: Client) -> None:
    page = as_bob.get(address("storage", world))

    shown = {
        row.id: (row.owner, row.shared_words, row.sums.tables, row.sums.rows)
        for group in page.context["groups"]
        for row in group.buckets
    }
    assert [group.stage for group in page.context["groups"]] == ["in", "out"]
    assert shown == {
        "in.c-rates": ("Finance", "", 1, 91203),
        "in.c-shop": ("", "", 1, 2),
        "out.c-reports": ("", "", 1, 0),
    }
    assert "shared by Finance" in page.text
    assert "91\u202f203" in page.text


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("shop", ["in.c-shop"]),
        ("ORDERS", ["in.c-shop.orders"]),
        ("in.c-shop.orders", ["in.c-shop.orders"]),
        ("daily", ["in.c-rates.daily"]),
        ("finance", ["in.c-rates"]),
        ("ledger", []),
        ("zzz", []),
    ],
)
def test_a_search_finds_buckets_and_tables_also_linked_ones(
    sought: str, found: list[str], world: World, as_alice: Client
) -> None:
    page = as_alice.get(address("storage", world), {"q": sought}, headers={"HX-Request": "true"})

    rows = [row.id for group in page.context["groups"] for row in group.buckets]
    assert rows + [row.id for row in page.context["tables"]] == found
    assert ("Nothing matches" in page.text) is (found == [])


def test_a_bucket_shows_its_tables_and_by_which_job_they_were_written(world: World, as_alice: Client) -> None:
    page = as_alice.get(address("bucket", world, "in.c-shop"))

    [row] = page.context["rows"]
    assert (row.name, row.rows, row.last.job_url) == ("orders", 2, address("job", world, world.child.pk))
    assert f">{world.child.name}</a>" in page.text


def test_of_a_linked_bucket_nobody_learns_the_jobs_of_its_owner(
    world: World, finance: Project, as_alice: Client
) -> None:
    secret = build_job(builders.build_configuration(finance, name="Ledger sync"))
    builders.build_import(Table.objects.get(name="daily"), job=secret)

    bucket = as_alice.get(address("bucket", world, "in.c-rates"))
    table = as_alice.get(address("table", world, "in.c-rates.daily"))

    assert "shared by Finance" in bucket.text
    assert "Upload" not in bucket.text + table.text
    assert "Ledger sync" not in bucket.text + table.text
    assert "A job of Finance" in table.text


def test_a_table_shows_its_first_rows_as_they_are(world: World, as_bob: Client) -> None:
    page = as_bob.get(address("table", world, "in.c-shop.orders"))

    assert "Jo&#x27;s &quot;first&quot; &lt;order&gt;</td>" in page.text
    assert '<span class="grid__null">NULL</span>' in page.text
    assert "4.2 kB" in page.text
    assert [(row.rows, row.revision, row.job_id) for row in page.context["imports"]] == [(2, 1, world.child.pk)]


def test_a_table_names_the_orchestrations_of_the_project_that_watch_it(
    project: Project, alice: User, as_bob: Client
) -> None:
    extractor = builders.build_configuration(project)
    orders, accounts = (builders.build_table(project, f"in.c-shop.{name}") for name in ("orders", "accounts"))
    elsewhere = builders.build_project(alice, "Elsewhere")
    foreign = builders.build_configuration(elsewhere)

    def watch(name: str, *tables: Table, within: Project = project, **fields: Any) -> Configuration:
        of = extractor if within == project else foreign
        orchestration = builders.build_orchestration(within, [task(of)], name=name)
        builders.build_trigger(orchestration, *tables, **fields)
        return orchestration

    watch("Alone", orders)
    watch("Both", orders, accounts)
    watch("Foreign", orders, within=elsewhere)
    watch("Off", orders, is_enabled=False)
    watch("Other", accounts)
    editing.trash(watch("Thrown away", orders), actor=builders.admin_of(project), now=timezone.now())
    url = reverse("table", args=[project.pk, orders.table_id])

    before = as_bob.get(url).context["watchers"]
    builders.build_import(orders)
    after = as_bob.get(url).context["watchers"]

    assert [(each["name"], each["words"]) for each in before] == [
        ("Alone", "runs when it is updated"),
        ("Both", "with 1 other table, still awaited"),
        ("Off", "watches it, but is switched off"),
    ]
    assert after[1]["words"] == "with 1 other table, has been updated"


def test_of_a_wide_table_one_window_of_columns_is_shown(project: Project, as_alice: Client) -> None:
    names = tuple(f"c{number}" for number in range(1, 101))
    builders.build_table(project, "in.c-x.wide", columns=names, preview=[list(names)], rows=1)
    url = reverse("table", args=[project.pk, "in.c-x.wide"])

    pages = [as_alice.get(url, {"column": column}) for column in ("", "41", "100", "9999", "x")]

    seen = [(page.context["preview"].first, page.context["preview"].last) for page in pages]
    assert seen == [(1, 40), (41, 80), (100, 100), (100, 100), (1, 40)]
    assert ">c41</td>" in pages[1].text
    assert ">c40</td>" not in pages[1].text
    assert pages[0].context["after_url"] == f"{url}?column=41"
    assert pages[1].context["before_url"] == f"{url}?column=1"


def test_pages_ask_as_much_of_many_as_of_few(project: Project, as_alice: Client) -> None:
    def build(number: int) -> None:
        configuration = builders.build_configuration(project)
        job = build_job(configuration)
        table = builders.build_table(project, f"in.c-{number}.orders")
        builders.build_import(table, job=job)
        builders.build_import(builders.build_table(project, f"in.c-one.t{number}"), job=job, position=1)
        watching = builders.build_orchestration(project, [task(configuration)])
        builders.build_trigger(watching, Table.objects.filter(bucket__name="c-one").earliest("pk"))
        builders.build_import(Table.objects.filter(bucket__name="c-one").earliest("pk"), job=job, position=2)

    build(0)
    first = Table.objects.get(bucket__name="c-one")
    storage, bucket = (
        reverse("storage", args=[project.pk]) + "?q=o",
        reverse("bucket", args=[project.pk, "in.c-one"]),
    )
    pages = [storage, bucket, reverse("table", args=[project.pk, first.table_id]), reverse("search", args=[project.pk])]
    few = [count_queries(as_alice, url)[0] for url in pages]
    for number in range(1, 30):
        build(number)

    many = [count_queries(as_alice, url) for url in pages]

    assert [count for count, _ in many] == few
    assert max(few) <= 18
    assert not any('"preview"' in texts for _, texts in (many[0], many[1], many[3]))


def test_the_search_of_the_project_finds_tables_and_buckets(world: World, as_alice: Client) -> None:
    found = as_alice.get(address("search", world), {"q": "rates"}).context["found"]
    also = as_alice.get(address("search", world), {"q": "order"}).context["found"]

    assert [each.id for each in found.buckets] == ["in.c-rates"]
    assert [each.id for each in also.tables] == ["in.c-shop.orders"]


# --- What people do ----------------------------------------------------------------------------


def test_a_bucket_is_made_and_a_refusal_stands_at_its_field(world: World, as_alice: Client) -> None:
    url = address("bucket-new", world)

    refused = as_alice.post(url, {"stage": "in", "name": "shop"})
    unfit = as_alice.post(url, {"stage": "in", "name": "große Liste"})
    made = as_alice.post(url, {"stage": "out", "name": "mart", "description": "For\r\nall"})

    assert refused.status_code == unfit.status_code == 422
    assert refused.context["form"].errors == {"name": ["There is a bucket in.c-shop in this project already."]}
    assert list(unfit.context["form"].errors) == ["name"]
    assert made["Location"] == address("bucket", world, "out.c-mart")
    assert buckets.get(world.project, "out.c-mart").description == "For\nall"


def test_descriptions_are_edited(world: World, as_alice: Client) -> None:
    as_alice.post(address("bucket-edit", world, "in.c-shop"), {"description": "From the shop"})
    as_alice.post(address("table-edit", world, "in.c-shop.orders"), {"description": "One row an order"})

    page = as_alice.get(address("storage", world), {"q": "orders"}).text
    assert "One row an order" in page
    assert "From the shop" in as_alice.get(address("bucket", world, "in.c-shop")).text


def test_a_bucket_is_shared_with_named_projects_with_all_and_with_nobody(
    world: World, finance: Project, alice: User, as_alice: Client
) -> None:
    own = builders.build_project(alice, "Marketing")
    url, bucket = address("bucket-sharing", world, "in.c-shop"), buckets.get(world.project, "in.c-shop")

    def shared() -> tuple[list[str], bool]:
        bucket.refresh_from_db()
        return [each.project.name for each in bucket.shares.order_by("project__name")], bucket.is_shared_with_all

    offered = [label for _, label in as_alice.get(url).context["form"].fields["projects"].choices]
    as_alice.post(url, {"scope": "named", "projects": [own.pk], "others": f"{finance.pk}"})
    named = shared()
    as_alice.post(url, {"scope": "all", "projects": [own.pk]})
    everybody = shared()
    as_alice.post(url, {"scope": "nobody"})

    assert offered == ["Marketing"], "nobody learns the names of projects that are not theirs"
    assert named == (["Finance", "Marketing"], False)
    assert everybody == ([], True)
    assert shared() == ([], False)


def test_sharing_says_what_stands_in_its_way(world: World, finance: Project, as_alice: Client) -> None:
    url, bucket = address("bucket-sharing", world, "in.c-shop"), buckets.get(world.project, "in.c-shop")
    as_alice.post(url, {"scope": "named", "others": str(finance.pk)})
    buckets.link(finance, bucket, name="theirs", actor=builders.admin_of(finance), now=timezone.now())

    in_use = as_alice.post(url, {"scope": "nobody"})
    unknown = as_alice.post(url, {"scope": "named", "others": "12345, x"})
    nothing = as_alice.post(url, {"scope": "named"})
    deletion = as_alice.post(address("bucket-deletion", world, "in.c-shop"), {"tables": "1"})

    assert "linked by Finance" in in_use.text
    assert unknown.context["form"].errors == {"others": ["There is no project 12345, x."]}
    assert nothing.context["form"].errors == {"scope": ["Choose a project, or nobody."]}
    assert "linked by Finance" in deletion.text
    assert {each.status_code for each in (in_use, unknown, nothing, deletion)} == {422}


def test_a_shared_bucket_is_linked_under_a_name_and_unlinked(world: World, as_alice: Client) -> None:
    listed = as_alice.get(address("storage-shared", world)).context["buckets"]
    url = address("bucket-link", world, world.shared.pk)

    taken = as_alice.post(url, {"stage": "in", "name": "c-shop"})
    linked = as_alice.post(url, {"stage": "out", "name": "c-ledger"})
    table = as_alice.get(address("table", world, "out.c-ledger.bookings"))
    gone = as_alice.post(address("bucket-unlinking", world, "out.c-ledger"))

    assert [(each["id"], each["linked_as"]) for each in listed] == [("in.c-rates", "in.c-rates"), ("out.c-ledger", "")]
    assert (taken.status_code, list(taken.context["form"].errors)) == (422, ["name"])
    assert linked["Location"] == address("bucket", world, "out.c-ledger")
    assert table.status_code == 200
    assert gone["Location"] == address("storage", world)
    assert Table.objects.filter(name="bookings").exists()


def test_a_linked_bucket_and_its_tables_cannot_be_changed_here(world: World, as_alice: Client) -> None:
    names = ["bucket-sharing", "bucket-deletion"]

    answers = [as_alice.post(address(name, world, "in.c-rates")).status_code for name in names]
    answers += [
        as_alice.post(address(f"table-{name}", world, "in.c-rates.daily")).status_code for name in ("edit", "deletion")
    ]

    assert set(answers) == {404}


def test_a_bucket_that_holds_tables_is_deleted_only_with_them(world: World, as_alice: Client) -> None:
    url = address("bucket-deletion", world, "in.c-shop")

    refused = as_alice.post(url)
    kept = Bucket.objects.filter(name="c-shop").exists()
    deleted = as_alice.post(url, {"tables": "1"})

    assert (refused.status_code, kept) == (422, True)
    assert "holds 1 table" in refused.text
    assert deleted["Location"] == address("storage", world)
    assert not Table.objects.filter(name="orders").exists()


def test_a_table_is_deleted_unless_a_job_is_writing_it(world: World, as_alice: Client) -> None:
    url, table = address("table-deletion", world, "in.c-shop.orders"), Table.objects.get(name="orders")
    writing = builders.build_import(table, job=world.child, position=1, committed_at=None)

    refused = as_alice.post(url)
    writing.committed_at = timezone.now()
    writing.save(update_fields=["committed_at"])
    deleted = as_alice.post(url)

    assert refused.status_code == 422
    assert f"written by job {world.child.pk}" in refused.text
    assert deleted["Location"] == address("bucket", world, "in.c-shop")


# --- Jobs --------------------------------------------------------------------------------------


@pytest.fixture
def mapped(project: Project) -> Any:
    builders.build_table(project, "in.c-shop.orders")
    tables = [{"source": "in.c-shop.orders", "destination": "o.csv", "columns": ["id"], "limit": 2000}]
    storage = {
        "input": {"tables": [*tables, {"source": "in.c-shop.gone", "destination": "g.csv"}]},
        "output": {"tables": [{"source": "r.csv", "destination": "out.c-r.days", "primary_key": ["day"]}]},
    }
    return builders.build_configuration(
        project, document={"parameters": {"command": ["true"]}, "storage": storage}, name="Revenue"
    )


def test_a_job_shows_how_far_its_program_is(mapped: Any, as_alice: Client) -> None:
    job = build_job(mapped, JobStatus.PROCESSING, progress={"done": 4200, "total": 9000, "text": "Reading <orders>"})

    part = as_alice.get(reverse("job", args=[job.project_id, job.pk]), headers={"HX-Request": "true"}).text

    assert "Reading &lt;orders&gt;" in part
    assert "4\u202f200 of 9\u202f000" in part
    assert 'max="9000" value="4200"' in part


def test_a_job_shows_its_tables_and_once_it_has_imported_the_rows(
    mapped: Any, project: Project, as_alice: Client
) -> None:
    job = build_job(mapped, JobStatus.PROCESSING)
    url = reverse("job", args=[project.pk, job.pk])
    before = as_alice.get(url)
    table = builders.build_table(project, "out.c-r.days", rows=31)
    builders.build_import(table, job=job, rows=31, mode="upsert")

    after = as_alice.get(url, headers={"HX-Request": "true", "HX-Target": f"job-{job.pk}-mapping"})

    [orders, gone] = before.context["mapping"].inputs
    assert (orders.file, orders.words) == ("o.csv", "1 column, at most 2\u202f000 rows")
    assert orders.url == reverse("table", args=[project.pk, "in.c-shop.orders"])
    assert gone.url == ""
    assert [each.words for each in before.context["mapping"].outputs] == ["key day"]
    assert 'hx-trigger="job-settled from:body"' in before.text
    [written] = after.context["mapping"].outputs
    assert (written.id, written.words) == ("out.c-r.days", "31 rows, upsert by primary key")
    assert after.text.lstrip().startswith(f'<section class="panel" id="job-{job.pk}-mapping"')


def test_a_configuration_shows_the_same(mapped: Any, project: Project, as_alice: Client) -> None:
    page = as_alice.get(reverse("configuration", args=[project.pk, mapped.pk]))

    assert [each.id for each in page.context["mapping"].inputs] == ["in.c-shop.orders", "in.c-shop.gone"]
    assert "not there yet, will be made" in page.text
    assert page.context["others"] == []


# --- Old rows ----------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the program of tables was asked; it counts one row."""
    asked: list[dict[str, Any]] = []

    def ask(verb: str, entries: list[dict[str, Any]], **_more: Any) -> dict[str, Any]:
        asked.extend(entries)
        return {"tables": [{"rows": 1}]}

    monkeypatch.setattr(program, "ask", ask)
    return asked


OLD = {"number": "30", "unit": "day", "column": "note"}


def test_old_rows_are_counted_before_a_job_deletes_them(
    world: World, counted: list[dict[str, Any]], as_alice: Client
) -> None:
    url, before = address("table-row-deletion", world, "in.c-shop.orders"), Job.objects.count()

    asked = as_alice.post(url, OLD)
    assert Job.objects.count() == before
    response = as_alice.post(url, {**OLD, "sure": "1"})

    job = Job.objects.latest("pk")
    manifest = job.request["configData"]["parameters"]["manifest"]
    assert "1 of 2 rows</b> is older than 30 days, by <code>note</code>" in asked.text
    assert [each["delete_where"] for each in counted] == [{"older_than": "30 days", "column": "note"}]
    assert (manifest["delete_where_column"], manifest["delete_where_older_than"]) == ("note", "30 days")
    assert response["Location"] == address("job", world, job.pk)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"number": "0"}, "number"),
        ({"unit": "eon"}, "unit"),
        ({"column": "nowhere"}, "column"),
        ({"number": ""}, "number"),
    ],
)
@pytest.mark.parametrize("sure", ["", "1"])
def test_an_age_that_cannot_be_meant_deletes_nothing(
    given: dict[str, str], field: str, sure: str, world: World, counted: list[dict[str, Any]], as_alice: Client
) -> None:
    before = Job.objects.count()

    answer = as_alice.post(address("table-row-deletion", world, "in.c-shop.orders"), {**OLD, **given, "sure": sure})

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert (Job.objects.count(), counted) == (before, [])


@pytest.mark.parametrize("reason", ["user", "application"])
def test_rows_that_cannot_be_counted(
    reason: str, world: World, monkeypatch: pytest.MonkeyPatch, as_alice: Client
) -> None:
    def ask(*_given: Any, **_more: Any) -> dict[str, Any]:
        raise program.Failed("Column note has no age.", reason)

    monkeypatch.setattr(program, "ask", ask)

    answer = as_alice.post(address("table-row-deletion", world, "in.c-shop.orders"), OLD)

    if reason == "user":
        assert (answer.status_code, "Column note has no age." in answer.text) == (422, True)
    else:
        assert (answer.status_code, "could not be counted in time" in answer.text) == (200, True)
