"""Buckets, tables, jobs of Storage and subscriptions as JSON Schemas (API.md). Tests hold every answer against them."""

from __future__ import annotations

from orchestrations.api.schemas import CREATOR
from orchestrations.buckets import DESCRIPTION_LIMIT
from orchestrations.lib.openapi import (
    ANYTHING,
    FLAG,
    ID,
    MOMENT,
    OBJECT,
    TEXT,
    WHOLE,
    list_of,
    matching,
    nullable,
    one_of,
    record,
    request,
    text,
)
from orchestrations.models import Channel, EventType, Stage
from orchestrations.subscribing import LONGEST_ADDRESS

# --- Buckets and tables ------------------------------------------------------------------------

SOURCE_BUCKET = record(
    "SourceBucket",
    {"id": TEXT, "name": TEXT, "description": TEXT, "project": record("", {"id": WHOLE, "name": TEXT})},
)
BUCKET = record(
    "Bucket",
    {
        "uri": TEXT,
        "id": TEXT,
        "name": TEXT,
        "displayName": TEXT,
        "idBranch": WHOLE,
        "stage": one_of(Stage.values),
        "description": TEXT,
        "tables": TEXT,
        "created": MOMENT,
        "lastChangeDate": nullable(MOMENT),
        "isReadOnly": FLAG,
        "dataSizeBytes": WHOLE,
        "rowsCount": WHOLE,
        "isMaintenance": FLAG,
        "backend": TEXT,
        "sharing": nullable(TEXT),
        "hasExternalSchema": FLAG,
        "metadata": list_of(ANYTHING),
        "sourceBucket": SOURCE_BUCKET,
    },
    optional=["sourceBucket"],
)
SHARED_BUCKET = record(
    "SharedBucket",
    {
        "id": TEXT,
        "name": TEXT,
        "description": TEXT,
        "project": record("", {"id": WHOLE, "name": TEXT}),
        "displayName": TEXT,
        "stage": one_of(Stage.values),
        "created": MOMENT,
        "sharing": TEXT,
        "backend": TEXT,
    },
)
NEW_BUCKET = request(
    "NewBucket",
    {
        "name": text(255, least=1),
        "stage": one_of(Stage.values),
        "description": text(DESCRIPTION_LIMIT),
        "sourceProjectId": ID,
        "sourceBucketId": TEXT,
    },
    required=["name"],
)
SHARING = request("Sharing", {"targetProjectIds": list_of(ID, least=1)}, required=["targetProjectIds"])
_COLUMN = record(
    "Column",
    {
        "name": TEXT,
        "definition": record("", {"type": TEXT, "nullable": FLAG}),
        "basetype": TEXT,
    },
)
TABLE = record(
    "Table",
    {
        "uri": TEXT,
        "id": TEXT,
        "name": TEXT,
        "displayName": TEXT,
        "description": TEXT,
        "transactional": FLAG,
        "primaryKey": list_of(TEXT),
        "indexType": nullable(TEXT),
        "indexKey": list_of(TEXT),
        "created": MOMENT,
        "lastImportDate": nullable(MOMENT),
        "lastChangeDate": nullable(MOMENT),
        "rowsCount": nullable(WHOLE),
        "dataSizeBytes": nullable(WHOLE),
        "isAlias": FLAG,
        "isAliasable": FLAG,
        "isTyped": FLAG,
        "columns": list_of(TEXT),
        "columnMetadata": OBJECT,
        "metadata": list_of(ANYTHING),
        "attributes": list_of(ANYTHING),
        "revision": WHOLE,
        "definition": record("", {"primaryKeysNames": list_of(TEXT), "columns": list_of(_COLUMN)}),
        "bucket": BUCKET,
    },
    optional=["definition", "bucket"],
)
PREVIEW = record(
    "Preview",
    {
        "columns": list_of(TEXT),
        "rows": list_of(list_of(record("", {"columnName": TEXT, "value": nullable(TEXT), "isTruncated": FLAG}))),
    },
)
STORAGE_JOB = record(
    "StorageJob",
    {
        "id": TEXT,
        "status": one_of(["waiting", "processing", "success", "error"]),
        "url": TEXT,
        "tableId": nullable(TEXT),
        "operationName": TEXT,
        "operationParams": OBJECT,
        "createdTime": MOMENT,
        "startTime": nullable(MOMENT),
        "endTime": nullable(MOMENT),
        "runId": nullable(TEXT),
        "results": nullable(OBJECT),
        "error": nullable(record("", {"code": TEXT, "message": TEXT, "exceptionId": TEXT})),
        "creatorToken": nullable(CREATOR),
        "metrics": OBJECT,
    },
)

# --- Notifications -----------------------------------------------------------------------------

COMPONENT, CONFIGURATION, OVERTIME = "job.component.id", "job.configuration.id", "durationOvertimePercentage"
FIELDS = (COMPONENT, CONFIGURATION, OVERTIME)
OPERATORS = ("==", ">=")
FILTER = record("Filter", {"field": TEXT, "operator": TEXT, "value": {"type": ["string", "number"]}})
SUBSCRIPTION = record(
    "Subscription",
    {
        "id": TEXT,
        "event": one_of(EventType.values),
        "filters": list_of(FILTER),
        "recipient": record(
            "Recipient",
            {"channel": one_of(Channel.values), "address": TEXT, "url": TEXT, "secret": TEXT},
            optional=["address", "url", "secret"],
        ),
        "expiresAt": nullable(MOMENT),
        "createdTime": MOMENT,
        "creator": TEXT,
    },
)
NEW_SUBSCRIPTION = request(
    "NewSubscription",
    {
        "event": one_of(EventType.values),
        "filters": list_of(
            request(
                "",
                {"field": one_of(FIELDS), "operator": one_of(OPERATORS), "value": {"type": ["string", "number"]}},
                required=["field", "value"],
            )
        ),
        "recipient": {
            **request(
                "",
                {"channel": one_of(Channel.values), "address": text(LONGEST_ADDRESS), "url": text(LONGEST_ADDRESS)},
                required=["channel"],
            ),
            "anyOf": [{"required": [name], "properties": {name: matching(r".*\S.*")}} for name in ("address", "url")],
        },
        "expiresAt": {**TEXT, "description": "A moment, or one from now on as in “+3 days”."},
    },
    required=["event", "recipient"],
)
