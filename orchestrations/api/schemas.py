"""The objects of Storage and Notification as JSON Schemas (API.md). Tests hold every answer against them."""

from __future__ import annotations

from orchestrations.annotating import KEY_LIMIT, VALUE_LIMIT
from orchestrations.components.catalogue import ComponentKind
from orchestrations.lib.openapi import (
    ANYTHING,
    FLAG,
    ID,
    MOMENT,
    OBJECT,
    OBJECT_OR_NONE,
    TEXT,
    WHOLE,
    Schema,
    list_of,
    map_of,
    matching,
    nullable,
    one_of,
    record,
    request,
    text,
    whole,
)

LONGEST_RUN_ID = 60
IF_MATCH = {
    "If-Match": matching(
        r'\*|(W/)?"?[0-9]{1,9}"?',
        'The version that you have seen, as in "3": 409 when it is no longer the newest.',
    )
}
RUN_ID = {
    "X-KBC-RunId": {
        **matching(r"[0-9]{1,18}(\.[0-9]{1,18})*", "The run id of the job that asks."),
        "maxLength": LONGEST_RUN_ID,
    }
}

# --- Errors ------------------------------------------------------------------------------------

STORAGE_ERROR = record("StorageError", {"error": TEXT, "code": TEXT, "exceptionId": TEXT})
ERROR = record("Error", {"error": TEXT, "code": WHOLE, "status": one_of(["error"]), "exceptionId": TEXT})

# --- Tokens ------------------------------------------------------------------------------------

CREATOR = record("Creator", {"id": nullable(ID), "description": TEXT})
PROJECT = record(
    "Project",
    {
        "id": WHOLE,
        "name": TEXT,
        "type": TEXT,
        "created": MOMENT,
        "features": list_of(TEXT),
        "defaultBackend": TEXT,
        "isDisabled": FLAG,
        "limits": map_of(record("", {"name": TEXT, "value": WHOLE})),
    },
)
_TOKEN = {
    "id": TEXT,
    "description": TEXT,
    "token": TEXT,
    "uri": TEXT,
    "isMasterToken": FLAG,
    "canManageBuckets": FLAG,
    "canManageTokens": FLAG,
    "canReadAllFileUploads": FLAG,
    "canPurgeTrash": FLAG,
    "bucketPermissions": map_of(one_of(["read", "write"])),
    "componentAccess": list_of(TEXT),
    "hasFullAccess": FLAG,
    "created": MOMENT,
    "refreshed": MOMENT,
    "expires": nullable(MOMENT),
    "lastUsed": nullable(MOMENT),
    "isExpired": FLAG,
    "isDisabled": FLAG,
    "creatorToken": nullable(CREATOR),
    "orchestrationId": nullable(TEXT),
}
TOKEN = record("Token", _TOKEN, optional=["token"])
ADMIN = record(
    "Admin",
    {
        "id": WHOLE,
        "name": TEXT,
        "role": one_of(["admin", "share", "guest", "readOnly"]),
        "features": list_of(TEXT),
        "isOrganizationMember": FLAG,
    },
)
VERIFIED_TOKEN = record(
    "VerifiedToken",
    {**_TOKEN, "owner": PROJECT, "organization": record("", {"id": TEXT}), "admin": ADMIN},
    optional=["admin"],
)
_TOKEN_FIELDS = {
    "description": text(255, least=1),
    "expiresIn": {**whole(1, 2**31 - 1), "description": "Seconds; without it the token never expires."},
    "componentAccess": list_of(TEXT),
    "bucketPermissions": map_of(one_of(["read", "write"])),
    "canManageBuckets": FLAG,
}
NEW_TOKEN = request("NewToken", _TOKEN_FIELDS, required=["description"])
CHANGED_TOKEN = request("ChangedToken", _TOKEN_FIELDS)
REPLACEMENT = request("Replacement", {"immediately": FLAG})
TOKEN_EVENT = record(
    "TokenEvent",
    {
        "uuid": TEXT,
        "id": TEXT,
        "event": TEXT,
        "type": TEXT,
        "message": TEXT,
        "created": MOMENT,
        "component": TEXT,
        "params": OBJECT,
        "results": OBJECT,
    },
)
BRANCH = record("Branch", {"id": WHOLE, "name": TEXT, "description": TEXT, "created": MOMENT, "isDefault": FLAG})

# --- Components and configurations -------------------------------------------------------------

_COMPONENT: dict[str, Schema] = {
    "id": TEXT,
    "type": one_of(ComponentKind),
    "name": TEXT,
    "description": TEXT,
    "longDescription": nullable(TEXT),
    "version": WHOLE,
    "complexity": nullable(TEXT),
    "categories": list_of(TEXT),
    "hasUI": FLAG,
    "hasRun": FLAG,
    "ico32": nullable(TEXT),
    "ico64": nullable(TEXT),
    "ico128": nullable(TEXT),
    "data": OBJECT,
    "flags": list_of(TEXT),
    "configurationSchema": OBJECT,
    "configurationRowSchema": OBJECT,
    "emptyConfiguration": OBJECT,
    "emptyConfigurationRow": OBJECT,
    "uiOptions": OBJECT,
    "configurationDescription": nullable(TEXT),
    "features": list_of(TEXT),
    "expiredOn": nullable(MOMENT),
    "documentationUrl": nullable(TEXT),
}
COMPONENT = record("Component", _COMPONENT)
_CHANGE = {"created": MOMENT, "creatorToken": CREATOR, "changeDescription": TEXT}
METADATA = record("Metadata", {"id": TEXT, "key": TEXT, "value": TEXT, "timestamp": MOMENT})
CONFIGURATION = record(
    "Configuration",
    {
        "id": TEXT,
        "name": TEXT,
        "description": TEXT,
        "created": MOMENT,
        "creatorToken": CREATOR,
        "version": WHOLE,
        "changeDescription": TEXT,
        "isDisabled": FLAG,
        "isDeleted": FLAG,
        "currentVersion": record("", _CHANGE),
        "metadata": list_of(METADATA),
        "configuration": OBJECT,
        "rowsSortOrder": list_of(ANYTHING),
        "rows": list_of(ANYTHING),
        "state": OBJECT,
    },
    optional=["configuration", "rowsSortOrder", "rows", "state"],
)
COMPONENT_WITH_CONFIGURATIONS = record(
    "ComponentWithConfigurations", {**_COMPONENT, "configurations": list_of(CONFIGURATION)}
)
CONFIGURATION_VERSION = record(
    "ConfigurationVersion",
    {
        "version": WHOLE,
        **_CHANGE,
        "isDisabled": FLAG,
        "isDeleted": FLAG,
        "name": TEXT,
        "description": TEXT,
        "configuration": OBJECT,
        "rows": list_of(ANYTHING),
    },
    optional=["configuration", "rows"],
)
_CONFIGURATION_FIELDS = {
    "name": text(255, least=1),
    "description": text(100_000),
    "configuration": OBJECT_OR_NONE,
    "isDisabled": FLAG,
    "state": OBJECT_OR_NONE,
    "changeDescription": text(255),
}
NEW_CONFIGURATION = request(
    "NewConfiguration", {**_CONFIGURATION_FIELDS, "configurationId": text(255)}, required=["name"]
)
CHANGED_CONFIGURATION = request("ChangedConfiguration", _CONFIGURATION_FIELDS)
_COPY = {"name": text(255), "description": text(100_000)}
COPIED_CONFIGURATION = request("CopiedConfiguration", {**_COPY, "version": ID})
COPIED_VERSION = request("CopiedVersion", _COPY)
STATE = request("ConfigurationState", {"state": OBJECT_OR_NONE})
NEW_METADATA = request(
    "NewMetadata",
    {
        "metadata": list_of(
            request("", {"key": text(KEY_LIMIT, least=1), "value": text(VALUE_LIMIT)}, required=["key", "value"]),
            least=1,
        )
    },
    required=["metadata"],
)
FOUND_CONFIGURATION = record(
    "FoundConfiguration",
    {"idComponent": TEXT, "configurationId": TEXT, "metadata": list_of(METADATA)},
    optional=["metadata"],
)
INDEX = record(
    "Index",
    {
        "host": TEXT,
        "api": TEXT,
        "version": TEXT,
        "url": TEXT,
        "services": list_of(record("", {"id": TEXT, "url": TEXT})),
        "features": list_of(TEXT),
        "components": list_of(COMPONENT),
    },
    optional=["components"],
)
