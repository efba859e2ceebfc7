"""Configurations, components and tokens as the API writes them. Secrets stay the ciphertext that is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import F, Prefetch, Q, QuerySet

from orchestrations.api.wire import Call, moment
from orchestrations.components.catalogue import Component
from orchestrations.models import Configuration, ConfigurationVersion, Project, Role, Token, User

ADMIN_ROLES = {Role.ADMIN: "admin", Role.EDITOR: "share", Role.OPERATOR: "guest", Role.VIEWER: "readOnly"}
BACKEND = "duckdb"
BODY = frozenset({"configuration", "rows", "state"})
"""The parts of a configuration that a list may leave out."""

Json = dict[str, Any]


def with_versions(configurations: QuerySet[Configuration]) -> QuerySet[Configuration]:
    """With what their JSON needs of their first and newest versions, in one query for all of them."""
    shown = (
        ConfigurationVersion.objects.filter(Q(version=1) | Q(version=F("configuration__version")))
        .select_related("created_by")
        .defer("document", "description")
    )
    return configurations.select_related("created_by").prefetch_related(
        Prefetch("versions", queryset=shown, to_attr="shown_versions")
    )


def configuration(row: Configuration, parts: Collection[str] = BODY) -> Json:
    """``row`` comes from ``with_versions``."""
    versions: dict[int, ConfigurationVersion] = {each.version: each for each in row.shown_versions}  # type: ignore[attr-defined]
    first, newest = versions.get(1), versions.get(row.version)
    document: Json = {
        "id": row.key,
        "name": row.name,
        "description": row.description,
        "created": moment(row.created_at),
        "creatorToken": _creator(first),
        "version": row.version,
        "changeDescription": newest.change_description if newest else "",
        "isDisabled": row.is_disabled,
        "isDeleted": row.deleted_at is not None,
        "currentVersion": {
            "created": moment(newest.created_at if newest else row.updated_at),
            "creatorToken": _creator(newest),
            "changeDescription": newest.change_description if newest else "",
        },
        "metadata": [],
    }
    if "configuration" in parts:
        document["configuration"] = row.document
    if "rows" in parts:
        document |= {"rowsSortOrder": [], "rows": []}
    if "state" in parts:
        document["state"] = row.state
    return document


def version(row: ConfigurationVersion, *, is_deleted: bool, has_body: bool) -> Json:
    document: Json = {
        "version": row.version,
        "created": moment(row.created_at),
        "creatorToken": _creator(row),
        "changeDescription": row.change_description,
        "isDisabled": row.is_disabled,
        "isDeleted": is_deleted,
        "name": row.name,
        "description": row.description,
    }
    return {**document, "configuration": row.document, "rows": []} if has_body else document


def _creator(row: ConfigurationVersion | None) -> Json:
    if row is None:
        return {"id": None, "description": ""}
    person = row.created_by.email if row.created_by is not None else ""
    return {"id": row.created_by_id, "description": row.created_with or person}


def component(row: Component) -> Json:
    return {
        "id": row.id,
        "type": row.kind.value,
        "name": row.name,
        "description": row.description,
        "longDescription": None,
        "version": 1,
        "complexity": None,
        "categories": [],
        "hasUI": False,
        "hasRun": True,
        "ico32": None,
        "ico64": None,
        "ico128": None,
        "data": {"synchronous_actions": [], "forward_token": row.forwards_token},
        "flags": [],
        "configurationSchema": row.schema,
        "configurationRowSchema": {},
        "emptyConfiguration": row.defaults,
        "emptyConfigurationRow": {},
        "uiOptions": {},
        "configurationDescription": None,
        "features": [],
        "expiredOn": None,
        "documentationUrl": row.documentation_url,
    }


def components(rows: Iterable[Component]) -> list[Json]:
    return [component(row) for row in rows]


def token(call: Call, role: Role | None, origin: str) -> Json:
    """The token that the call itself shows, with its text: nobody else ever sees one again."""
    row = call.token
    document = {
        "id": str(row.pk),
        "description": row.description,
        "token": call.token_text,
        "uri": f"{origin}/v2/storage/tokens/{row.pk}",
        "isMasterToken": row.is_master,
        "canManageBuckets": row.may_manage_buckets,
        "canManageTokens": row.may_manage_tokens,
        "canReadAllFileUploads": row.is_master,
        "canPurgeTrash": role == Role.ADMIN,
        "bucketPermissions": row.bucket_permissions or {},
        "componentAccess": row.component_access or [],
        "created": moment(row.created_at),
        "refreshed": moment(row.created_at),
        "expires": moment(row.expires_at),
        "isExpired": _is_over(row, call.now),
        "isDisabled": False,
        "owner": project(call.project),
        "organization": {"id": "1"},
    }
    return {**document, "admin": _admin(row.user, role)} if row.user is not None and role is not None else document


def project(row: Project) -> Json:
    return {
        "id": row.pk,
        "name": row.name,
        "type": "production",
        "created": moment(row.created_at),
        "features": ["queuev2"],
        "defaultBackend": BACKEND,
        "isDisabled": False,
        "limits": {"components.jobsParallelism": {"name": "components.jobsParallelism", "value": row.parallel_jobs}},
    }


def branch(row: Project) -> Json:
    """There is one branch, the default one; its id is the project's."""
    return {
        "id": row.pk,
        "name": "Main",
        "description": "",
        "created": moment(row.created_at),
        "isDefault": True,
    }


def _admin(user: User, role: Role) -> Json:
    return {"id": user.pk, "name": str(user), "role": ADMIN_ROLES[role], "features": [], "isOrganizationMember": False}


def _is_over(row: Token, now: datetime) -> bool:
    return row.expires_at is not None and row.expires_at <= now
