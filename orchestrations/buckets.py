"""Buckets of a project: making, sharing, linking and deleting them.

What a bucket is used for is decided under the lock of the row that holds its tables, so that of two at once (somebody
links it, somebody stops sharing it) the later one sees what the first has done.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from orchestrations import access, table_ids, tokens
from orchestrations.access import Actor
from orchestrations.models import Bucket, BucketShare, Project, Role, Stage, Table, TableFolder

DESCRIPTION_LIMIT = 10_000
READERS_FINISH = timedelta(hours=1)
"""Jobs that were reading a table when it was deleted find its files for so long."""


class InvalidBucket(ValueError):
    """It was refused and nothing changed; the message names the field and is for the user."""


class BucketTaken(InvalidBucket):
    """The project has a bucket with this id."""


class BucketInUse(Exception):
    """Something still depends on the bucket; the message says what."""


@transaction.atomic
def create(project: Project, stage: str, name: str, *, description: str = "", actor: Actor, now: datetime) -> Bucket:
    """A new, empty bucket. ``name`` may come with its prefix or without. Raises Denied, InvalidBucket.

    The token that makes it may write it.
    """
    access.require_buckets(actor, project)
    bucket = _insert(
        project=project,
        stage=_stage_of(stage),
        name=_name_of(name),
        description=_description_of(description),
        created_at=now,
        created_by=actor.user,
    )
    tokens.permit(actor.token, bucket.bucket_id, "write")
    return bucket


def describe(bucket: Bucket, description: str, *, actor: Actor) -> Bucket:
    """Raises Denied, InvalidBucket."""
    access.require_buckets(actor, bucket.project)
    bucket.description = _description_of(description)
    bucket.save(update_fields=["description"])
    return bucket


@transaction.atomic
def share(
    bucket: Bucket, *, projects: Collection[Project] = (), with_all: bool = False, actor: Actor, now: datetime
) -> Bucket:
    """Who may link the bucket from now on: these projects, or every project; nobody else.

    Raises Denied, InvalidBucket for a linked one, BucketInUse when a project that has linked it would lose it.
    """
    access.require(actor, bucket.project, Role.ADMIN)
    found = _hold(bucket)
    if found.is_linked:
        raise InvalidBucket(f"{found}: a linked bucket cannot be shared; its owner shares the bucket it leads to.")
    wanted = {project.pk for project in projects} - {found.project_id}
    if not with_all:
        _require_no_links_of_others(found, wanted)
    found.shares.exclude(project__in=wanted).delete()
    known = set(found.shares.values_list("project_id", flat=True))
    BucketShare.objects.bulk_create(
        BucketShare(bucket=found, project_id=project_id, created_at=now) for project_id in sorted(wanted - known)
    )
    found.is_shared_with_all = with_all
    found.save(update_fields=["is_shared_with_all"])
    return found


def stop_sharing(bucket: Bucket, *, actor: Actor, now: datetime) -> Bucket:
    """Raises Denied, BucketInUse while a project has linked it."""
    return share(bucket, actor=actor, now=now)


@transaction.atomic
def link(project: Project, source: Bucket, *, stage: str = "", name: str = "", actor: Actor, now: datetime) -> Bucket:
    """Show another project's shared bucket in this one, to be read only; by default under its own id.

    Raises Denied, InvalidBucket when it is not shared with this project, is linked already or its id is taken.
    """
    access.require_buckets(actor, project)
    found = _hold(source)
    if not Bucket.objects.shared_with(project).filter(pk=found.pk).exists():
        raise InvalidBucket(f"{found} is not shared with {project}.")
    linked = Bucket.objects.in_project(project).filter(source=found).first()
    if linked is not None:
        raise BucketTaken(f"{found} is linked already, as {linked}.")
    linked = _insert(
        project=project,
        stage=_stage_of(stage or found.stage),
        name=_name_of(name or found.name),
        source=found,
        created_at=now,
        created_by=actor.user,
    )
    tokens.permit(actor.token, linked.bucket_id, "read")
    return linked


@transaction.atomic
def unlink(bucket: Bucket, *, actor: Actor) -> None:
    """The tables stay where they are. Doing it twice changes nothing. Raises Denied, InvalidBucket."""
    access.require_buckets(actor, bucket.project)
    if not bucket.is_linked:
        raise InvalidBucket(f"{bucket} is a bucket of this project, not a linked one: delete it instead.")
    Bucket.objects.filter(pk=bucket.pk, source__isnull=False).delete()
    tokens.forbid(bucket.project, bucket.bucket_id)


@transaction.atomic
def delete(bucket: Bucket, *, with_tables: bool = False, actor: Actor, now: datetime) -> None:
    """Remove the bucket, and with ``with_tables`` what is in it. Doing it twice changes nothing.

    Raises Denied, InvalidBucket for a linked one, BucketInUse: it has tables, somebody has linked it, a job writes it.
    """
    access.require_buckets(actor, bucket.project)
    access.require_bucket(actor, bucket.project, bucket.bucket_id, writes=True)
    if bucket.is_linked:
        raise InvalidBucket(f"{bucket} is linked from another project: unlink it instead.")
    found = Bucket.objects.select_for_update().filter(pk=bucket.pk).first()
    if found is None:
        return
    _require_no_links_of_others(found, set())
    tables = list(Table.objects.select_for_update().filter(bucket=found).order_by("pk"))
    if tables and not with_tables:
        count = "1 table" if len(tables) == 1 else f"{len(tables)} tables"
        raise BucketInUse(f"{found} holds {count}: delete what is in it as well, or move it first.")
    remove_tables(tables, now)
    found.delete()
    # Whoever makes another one of this name does not make it for them.
    tokens.forbid(bucket.project, bucket.bucket_id)


def remove_tables(tables: Collection[Table], now: datetime) -> None:
    """Delete these rows, which the caller holds, and remember their folders until housekeeping has removed them.

    Raises BucketInUse while an import into one of them is being carried out: it can only be finished, not undone.
    """
    for table in tables:
        # A reverse relation by its name: the floor above owns the imports.
        job_id = table.imports.filter(committed_at__isnull=True).values_list("job_id", flat=True).first()
        if job_id is not None:
            raise BucketInUse(f"{table} is being written by job {job_id}: wait until it has ended.")
    removable_at = now + READERS_FINISH
    TableFolder.objects.bulk_create(TableFolder(location=table.location, removable_at=removable_at) for table in tables)
    Table.objects.filter(pk__in=[table.pk for table in tables]).delete()


def get(project: Project | int, bucket_id: str) -> Bucket:
    """By its id in the project, linked ones too. Raises Bucket.DoesNotExist."""
    try:
        wanted = table_ids.bucket_id(bucket_id)
    except table_ids.InvalidName as error:
        raise Bucket.DoesNotExist(str(error)) from error
    found: Bucket = Bucket.objects.select_related("source").get(project=project, stage=wanted.stage, name=wanted.name)
    return found


# --- Private -----------------------------------------------------------------------------------


def _hold(bucket: Bucket) -> Bucket:
    """NO KEY: tables and links that point at it may be made meanwhile; but nobody shares, links or deletes it."""
    found: Bucket = (
        Bucket.objects.select_for_update(no_key=True, of=("self",)).select_related("project").get(pk=bucket.pk)
    )
    return found


def _insert(**fields: object) -> Bucket:
    try:
        with transaction.atomic():
            return Bucket.objects.create(**fields)
    except IntegrityError as error:
        taken = f"{fields['stage']}.{fields['name']}"
        raise BucketTaken(f"name: there is a bucket {taken} in this project already.") from error


def _require_no_links_of_others(bucket: Bucket, allowed: Collection[int]) -> None:
    links = bucket.links.exclude(project__in=allowed).select_related("project").order_by("project__name")
    names = [str(link.project) for link in links]
    if names:
        raise BucketInUse(f"{bucket} is linked by {', '.join(names)}: it has to be unlinked there first.")


def _stage_of(value: str) -> str:
    if value not in Stage.values:
        raise InvalidBucket("stage: expected in or out.")
    return value


def _name_of(value: str) -> str:
    plain = value.strip().removeprefix(table_ids.PREFIX)
    if not table_ids.is_name(plain, spare=len(table_ids.PREFIX)):
        raise InvalidBucket(
            "name: expected letters without accents, digits, dashes and underscores, "
            f"at most {table_ids.NAME_LIMIT - len(table_ids.PREFIX)}, no dash first."
        )
    return f"{table_ids.PREFIX}{plain}"


def _description_of(value: str) -> str:
    if len(value) > DESCRIPTION_LIMIT or "\x00" in value:
        raise InvalidBucket(f"description: expected a text of at most {DESCRIPTION_LIMIT:,} characters.")
    return value
