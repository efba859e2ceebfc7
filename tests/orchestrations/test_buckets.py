"""Buckets: who may make, share, link and delete them, and what stands in the way."""

from datetime import datetime

import pytest

from jobs.models import TableImport
from orchestrations import access, buckets, tables, tokens
from orchestrations.access import Actor, Denied
from orchestrations.buckets import BucketInUse, BucketTaken, InvalidBucket
from orchestrations.models import Bucket, Project, Role, Table, TableFolder, Token, User
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def others(charlie: User) -> Project:
    """A project of somebody else, who is no member of Alice's."""
    return builders.build_project(charlie, "Marketing")


@pytest.fixture
def by_charlie(charlie: User) -> Actor:
    return Actor(user=charlie)


def limited(project: Project, alice: User, now: datetime, **fields: object) -> Actor:
    token, _ = tokens.create_limited(project, description="CI", component_access=[], created_by=alice, now=now)
    Token.objects.filter(pk=token.pk).update(**fields)
    token.refresh_from_db()
    return Actor(token=token)


def test_a_bucket_is_made_with_its_prefix_and_once(project: Project, by_alice: Actor, now: datetime) -> None:
    bucket = buckets.create(project, "in", "sales", description="From the shop", actor=by_alice, now=now)

    assert (bucket.bucket_id, bucket.created_by) == ("in.c-sales", by_alice.user)
    assert buckets.get(project, "in.c-sales") == bucket
    with pytest.raises(BucketTaken, match=r"there is a bucket in\.c-sales"):
        buckets.create(project, "in", "c-sales", actor=by_alice, now=now)
    assert buckets.create(project, "out", "c-sales", actor=by_alice, now=now).bucket_id == "out.c-sales"


@pytest.mark.parametrize(
    ("stage", "name", "field"),
    [
        ("sys", "a", "stage"),
        *(("in", name, "name") for name in ("", "c-", "a.b", "ž", "a" * 95, "-a")),
    ],
)
def test_a_bad_name_is_refused_by_its_field(
    stage: str, name: str, field: str, project: Project, by_alice: Actor, now: datetime
) -> None:
    with pytest.raises(InvalidBucket, match=f"^{field}: "):
        buckets.create(project, stage, name, actor=by_alice, now=now)
    assert not Bucket.objects.exists()


def test_editors_make_buckets_admins_share_them(project: Project, others: Project, now: datetime, alice: User) -> None:
    editor = Actor(user=builders.build_member(project, "eve@example.org", Role.EDITOR))
    operator = Actor(user=builders.build_member(project, "otto@example.org", Role.OPERATOR))
    bucket = buckets.create(project, "in", "sales", actor=editor, now=now)

    with pytest.raises(Denied, match="role editor"):
        buckets.create(project, "in", "more", actor=operator, now=now)
    with pytest.raises(Denied, match="role admin"):
        buckets.share(bucket, projects=[others], actor=editor, now=now)
    with pytest.raises(Denied, match="may not manage buckets"):
        buckets.create(project, "in", "more", actor=limited(project, alice, now), now=now)
    manager = limited(project, alice, now, may_manage_buckets=True)
    assert buckets.create(project, "in", "more", actor=manager, now=now).created_by is None
    with pytest.raises(Denied, match="another project"):
        buckets.create(others, "in", "more", actor=manager, now=now)
    with pytest.raises(Denied):
        buckets.share(bucket, projects=[others], actor=manager, now=now)


def test_a_shared_bucket_is_linked_and_read_under_the_links_id(
    project: Project, others: Project, by_alice: Actor, by_charlie: Actor, now: datetime
) -> None:
    table = builders.build_table(project, "in.c-sales.orders")
    with pytest.raises(InvalidBucket, match="not shared with Marketing"):
        buckets.link(others, table.bucket, actor=by_charlie, now=now)

    buckets.share(table.bucket, projects=[others], actor=by_alice, now=now)
    linked = buckets.link(others, table.bucket, name="theirs", actor=by_charlie, now=now)

    found = tables.find(others, "in.c-theirs.orders")
    assert found is not None and found.table == table and found.is_linked
    assert found.table_id == "in.c-theirs.orders"
    assert [each.table_id for each in tables.all_of(linked)] == ["in.c-theirs.orders"]
    assert tables.find(others, "in.c-sales.orders") is None
    with pytest.raises(BucketTaken, match=r"linked already, as in\.c-theirs"):
        buckets.link(others, table.bucket, actor=by_charlie, now=now)
    with pytest.raises(InvalidBucket, match="linked bucket cannot be shared"):
        buckets.share(linked, with_all=True, actor=by_charlie, now=now)
    with pytest.raises(tables.InvalidTable, match="can only be read"):
        tables.create(linked, "new", columns=[{"name": "a"}], actor=by_charlie, now=now)


def test_sharing_ends_only_where_nobody_has_linked_it(
    project: Project, others: Project, by_alice: Actor, by_charlie: Actor, now: datetime
) -> None:
    bucket = buckets.create(project, "out", "report", actor=by_alice, now=now)
    buckets.share(bucket, with_all=True, actor=by_alice, now=now)
    linked = buckets.link(others, bucket, actor=by_charlie, now=now)

    with pytest.raises(BucketInUse, match="linked by Marketing"):
        buckets.stop_sharing(bucket, actor=by_alice, now=now)
    with pytest.raises(BucketInUse, match="linked by Marketing"):
        buckets.delete(bucket, actor=by_alice, now=now)
    buckets.share(bucket, projects=[others], actor=by_alice, now=now)  # narrower, and the link is within it
    with pytest.raises(InvalidBucket, match="unlink it instead"):
        buckets.delete(linked, actor=by_charlie, now=now)
    for _ in range(2):
        buckets.unlink(linked, actor=by_charlie)
    buckets.stop_sharing(bucket, actor=by_alice, now=now)

    assert not bucket.shares.exists()
    with pytest.raises(InvalidBucket, match="not a linked one"):
        buckets.unlink(bucket, actor=by_alice)
    buckets.delete(bucket, actor=by_alice, now=now)
    buckets.delete(bucket, actor=by_alice, now=now)
    assert not Bucket.objects.exists()


def test_a_bucket_goes_with_its_tables_only_when_asked_and_their_folders_are_remembered(
    project: Project, by_alice: Actor, now: datetime
) -> None:
    table = builders.build_table(project, "in.c-sales.orders")

    with pytest.raises(BucketInUse, match="holds 1 table"):
        buckets.delete(table.bucket, actor=by_alice, now=now)
    running = builders.build_import(
        table, job=builders.launch(builders.build_configuration(project)), committed_at=None
    )
    with pytest.raises(BucketInUse, match=rf"orders is being written by job {running.job_id}"):
        buckets.delete(table.bucket, with_tables=True, actor=by_alice, now=now)
    TableImport.objects.update(committed_at=now)
    buckets.delete(table.bucket, with_tables=True, actor=by_alice, now=now)

    assert not Table.objects.exists()
    folder = TableFolder.objects.get()
    assert folder.location == table.location and folder.removable_at > now


def test_the_token_that_makes_a_bucket_may_write_it_as_long_as_it_is_there(
    project: Project, by_alice: Actor, alice: User, now: datetime
) -> None:
    maker = limited(project, alice, now, may_manage_buckets=True, bucket_permissions={"in.c-old": "read"})
    other = limited(project, alice, now, may_manage_buckets=True)
    bucket = buckets.create(project, "in", "sales", actor=maker, now=now)
    assert maker.token is not None and other.token is not None

    maker.token.refresh_from_db()
    assert maker.token.bucket_permissions == {"in.c-old": "read", "in.c-sales": "write"}
    access.require_bucket(maker, project, "in.c-sales", writes=True)
    with pytest.raises(Denied):
        access.require_bucket(other, project, "in.c-sales", writes=False)

    buckets.delete(bucket, actor=maker, now=now)
    buckets.create(project, "in", "sales", actor=by_alice, now=now)
    maker.token.refresh_from_db()
    assert maker.token.bucket_permissions == {"in.c-old": "read"}
    with pytest.raises(Denied):
        access.require_bucket(maker, project, "in.c-sales", writes=False)


def test_making_a_bucket_leaves_wide_tokens_wide(project: Project, alice: User, now: datetime) -> None:
    wide = limited(project, alice, now, may_manage_buckets=True, bucket_permissions=None)
    buckets.create(project, "in", "sales", actor=wide, now=now)
    assert wide.token is not None
    wide.token.refresh_from_db()
    assert wide.token.bucket_permissions is None


def test_the_token_that_links_a_bucket_may_read_it(
    project: Project, others: Project, by_alice: Actor, charlie: User, now: datetime
) -> None:
    bucket = buckets.create(project, "in", "sales", actor=by_alice, now=now)
    buckets.share(bucket, projects=[others], actor=by_alice, now=now)
    reader = limited(others, charlie, now, may_manage_buckets=True)
    linked = buckets.link(others, bucket, actor=reader, now=now)

    access.require_bucket(reader, others, "in.c-sales", writes=False)
    with pytest.raises(Denied):
        access.require_bucket(reader, others, "in.c-sales", writes=True)
    buckets.unlink(linked, actor=reader)
    assert reader.token is not None
    reader.token.refresh_from_db()
    assert reader.token.bucket_permissions == {}
