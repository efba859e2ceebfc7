"""Configurations, components and tokens as the API writes them. Secrets stay the ciphertext that is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import F, Prefetch, Q, QuerySet

from orchestrations.api.wire import Call, moment
from orchestrations.components.catalogue import Component
from orchestrations.models import (
    Configuration,
    ConfigurationMetadata,
    ConfigurationVersion,
    Project,
    Role,
    Token,
    TokenEvent,
    User,
)

ADMIN_ROLES = {Role.ADMIN: "admin", Role.EDITOR: "share", Role.OPERATOR: "guest", Role.VIEWER: "readOnly"}
BACKEND = "duckdb"
BODY = frozenset({"configuration", "rows", "state"})
"""The parts of a configuration that a list may leave out."""

Json = dict[str, Any]


def with_versions(configurations: QuerySet[Configuration]) -> QuerySet[Configuration]:
    """With what their JSON needs of their first and newest versions and of their metadata, in a query each for all."""
    shown = (
        ConfigurationVersion.objects.filter(Q(version=1) | Q(version=F("configuration__version")))
        .select_related("created_by")
        .defer("document", "description")
    )
    return configurations.select_related("created_by").prefetch_related(
        Prefetch("versions", queryset=shown, to_attr="shown_versions"),
        Prefetch("metadata", queryset=ConfigurationMetadata.objects.order_by("pk"), to_attr="entries"),
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
        "metadata": [metadata(each) for each in row.entries],  # type: ignore[attr-defined]
    }
    if "configuration" in parts:
        document["configuration"] = row.document
    if "rows" in parts:
        document |= {"rowsSortOrder": [], "rows": []}
    if "state" in parts:
        document["state"] = row.state
    return document


def metadata(row: ConfigurationMetadata) -> Json:
    return {"id": str(row.pk), "key": row.key, "value": row.value, "timestamp": moment(row.updated_at)}


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


def verified_token(call: Call, role: Role | None, origin: str) -> Json:
    """The token that the call itself shows, with its text."""
    row = call.token
    document = token(row, origin=origin, now=call.now, text=call.token_text) | {
        "canPurgeTrash": role == Role.ADMIN,
        "owner": project(call.project),
        "organization": {"id": "1"},
    }
    return {**document, "admin": _admin(row.user, role)} if row.user is not None and role is not None else document


def token(row: Token, *, origin: str, now: datetime, text: str = "") -> Json:
    """``text`` is given once, when the secret was made: nobody ever sees it again."""
    creator = row.created_by or row.user
    return {
        "id": str(row.pk),
        "description": row.description,
        **({"token": text} if text else {}),
        "uri": f"{origin}/v2/storage/tokens/{row.pk}",
        "isMasterToken": row.is_master,
        "canManageBuckets": row.may_manage_buckets,
        "canManageTokens": row.may_manage_tokens,
        "canReadAllFileUploads": row.is_master,
        "canPurgeTrash": row.is_master,
        "bucketPermissions": row.bucket_permissions or {},
        "componentAccess": row.component_access or [],
        "hasFullAccess": row.component_access is None and row.bucket_permissions is None,
        "created": moment(row.created_at),
        "refreshed": moment(row.refreshed_at or row.created_at),
        "expires": moment(row.expires_at),
        "lastUsed": moment(row.last_used_at),
        "isExpired": row.expires_at is not None and row.expires_at <= now,
        "isDisabled": False,
        "creatorToken": {"id": None, "description": str(creator)} if creator is not None else None,
        "orchestrationId": row.orchestration.key if row.orchestration is not None else None,
    }


def token_event(row: TokenEvent) -> Json:
    return {
        "uuid": f"token-{row.pk}",
        "id": str(row.pk),
        "event": f"storage.token{row.kind.removeprefix('token.').capitalize()}",
        "type": "info",
        "message": row.message,
        "created": moment(row.at),
        "component": "storage",
        "params": {"by": row.by},
        "results": {},
    }


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
