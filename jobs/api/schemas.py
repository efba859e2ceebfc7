"""The objects of the Queue, of events and of files as JSON Schemas (API.md). Tests hold every answer against them."""

from __future__ import annotations

from jobs.models import Cause, JobEvent
from jobs.states import JobStatus
from orchestrations import table_ids
from orchestrations.api.schemas import CREATOR
from orchestrations.lib.openapi import (
    ANYTHING,
    FLAG,
    ID,
    MOMENT,
    OBJECT,
    OBJECT_OR_NONE,
    TEXT,
    WHOLE,
    list_of,
    matching,
    not_together,
    nullable,
    one_of,
    record,
    request,
    text,
    whole,
)

IDEMPOTENCY = {
    "Idempotency-Key": {
        **text(255),
        "description": "Sent again with the same body, it answers with the job that is there; with another body 409.",
    }
}
VARIABLES = record("Variables", {"values": list_of(record("", {"name": TEXT, "value": ANYTHING}))})
WAIT_REASON = record(
    "WaitReason",
    {
        "code": TEXT,
        "text": TEXT,
        "jobId": nullable(TEXT),
        "since": nullable(MOMENT),
        "eta": nullable(MOMENT),
    },
)
JOB = record(
    "Job",
    {
        "id": TEXT,
        "runId": TEXT,
        "parentRunId": TEXT,
        "project": record("", {"id": TEXT, "name": TEXT}),
        "token": record("", {"id": nullable(TEXT), "description": TEXT}),
        "status": one_of(JobStatus.values),
        "desiredStatus": one_of([JobStatus.PROCESSING, JobStatus.TERMINATING]),
        "mode": TEXT,
        "component": TEXT,
        "config": nullable(TEXT),
        "configVersion": nullable(WHOLE),
        "configData": OBJECT_OR_NONE,
        "configRowIds": list_of(TEXT),
        "tag": nullable(TEXT),
        "createdTime": MOMENT,
        "startTime": nullable(MOMENT),
        "endTime": nullable(MOMENT),
        "delayedStartTime": nullable(MOMENT),
        "durationSeconds": nullable(WHOLE),
        "result": OBJECT_OR_NONE,
        "isFinished": FLAG,
        "url": TEXT,
        "variableValuesData": VARIABLES,
        "behavior": record("", {"onError": nullable(TEXT)}),
        "type": one_of(["standard", "orchestrationContainer"]),
        "orchestrationJobId": nullable(TEXT),
        "orchestrationTaskId": nullable(TEXT),
        "orchestrationPhaseId": nullable(TEXT),
        "onlyOrchestrationTaskIds": nullable(list_of(TEXT)),
        "previousJobId": nullable(TEXT),
        "waitReason": nullable(WAIT_REASON),
        "cause": one_of(Cause.values),
        "parallelism": nullable(TEXT),
        "backend": OBJECT,
        "executor": TEXT,
        "metrics": OBJECT,
        "usageData": OBJECT,
        "branchId": nullable(ID),
        "variableValuesId": nullable(ID),
    },
)
_NEW_JOB = request(
    "NewJob",
    {
        "component": text(128, least=1),
        "config": ID,
        "mode": one_of(["run", "forceRun", "debug"]),
        "configData": OBJECT_OR_NONE,
        "configRowIds": list_of(ID),
        "tag": text(128),
        "branchId": ID,
        "variableValuesData": request("", {"values": list_of(record("", {"name": text(255, least=1), "value": TEXT}))}),
        "delay": {**whole(0, 2**31 - 1), "description": "Seconds until it may start."},
        "delayedStartTime": {**TEXT, "description": "Instead of delay: a moment, or one from now on as in “+2 hours”."},
        "previousJobId": ID,
        "onlyOrchestrationTaskIds": list_of(ID),
        "orchestrationTaskId": ID,
    },
    required=["component"],
)
NEW_JOB = {**_NEW_JOB, **not_together("delay", "delayedStartTime")}
RERUN_PLAN = record(
    "RerunPlan",
    {
        "jobId": TEXT,
        "configId": nullable(TEXT),
        "matchedTasks": list_of(
            record(
                "MatchedTask",
                {
                    "taskId": TEXT,
                    "matched": FLAG,
                    "jobId": nullable(TEXT),
                    "componentId": TEXT,
                    "configId": nullable(TEXT),
                    "status": nullable(one_of(JobStatus.values)),
                    "isChosen": FLAG,
                },
            )
        ),
    },
)
EVENT = record(
    "Event",
    {
        "uuid": TEXT,
        "id": TEXT,
        "event": TEXT,
        "message": TEXT,
        "description": TEXT,
        "type": one_of(JobEvent.Level.values),
        "created": MOMENT,
        "runId": TEXT,
        "component": TEXT,
        "configurationId": nullable(TEXT),
        "params": OBJECT_OR_NONE,
        "results": OBJECT_OR_NONE,
    },
)
NEW_EVENT = request(
    "NewEvent",
    {
        "message": text(10_000, least=1),
        "runId": {**TEXT, "description": "Of the job that it is about; also by the header X-KBC-RunId."},
        "type": one_of(JobEvent.Level.values),
        "component": text(255),
        "configurationId": text(255),
        "description": text(10_000),
        "params": OBJECT_OR_NONE,
        "results": OBJECT_OR_NONE,
    },
    required=["message"],
)
CREDENTIALS = record("Credentials", {"SASConnectionString": TEXT, "expiration": MOMENT})
_FILE = {
    "id": TEXT,
    "uri": TEXT,
    "url": TEXT,
    "provider": TEXT,
    "region": TEXT,
    "isPublic": FLAG,
    "isSliced": FLAG,
    "isEncrypted": FLAG,
    "tags": list_of(TEXT),
    "maxAgeDays": WHOLE,
    "creatorToken": CREATOR,
    "absPath": record("", {"container": TEXT, "name": TEXT, "accountName": TEXT}),
    "absCredentials": CREDENTIALS,
    "name": TEXT,
    "created": nullable(MOMENT),
    "sizeBytes": nullable(WHOLE),
}
FILE = record("File", _FILE)
PREPARED_FILE = record(
    "PreparedFile",
    {
        **_FILE,
        "absUploadParams": record(
            "", {"container": TEXT, "blobName": TEXT, "accountName": TEXT, "absCredentials": CREDENTIALS}
        ),
    },
)
NEW_FILE = request(
    "NewFile",
    {"name": text(255, least=1), "isSliced": FLAG, "sizeBytes": whole(0, 2**62), "tags": list_of(text(255))},
    required=["name"],
)
_CSV = {
    "dataFileId": {**ID, "description": "Of a file that has been prepared and uploaded."},
    "columns": {
        **list_of(TEXT),
        "description": "Of the file, in its order: it has no line of headers then.",
    },
    "delimiter": text(2),
    "enclosure": text(2),
    "withoutHeaders": FLAG,
}
NEW_TABLE = request(
    "NewTable",
    {**_CSV, "name": {**matching(table_ids.NAME), "maxLength": table_ids.NAME_LIMIT}, "primaryKey": list_of(TEXT)},
    required=["name", "dataFileId"],
)
TABLE_IMPORT = request("TableImport", {**_CSV, "incremental": FLAG}, required=["dataFileId"])
TABLE_EXPORT = request(
    "TableExport",
    {
        "columns": list_of(TEXT),
        "limit": whole(1, 2**31 - 1),
        "gzip": FLAG,
        "format": one_of(["rfc"]),
        "whereColumn": TEXT,
        "whereOperator": one_of(["eq", "ne", "neq"]),
        "whereValues": list_of(TEXT),
        "changedSince": TEXT,
    },
)
ANNOUNCEMENT = request("Announcement", {"rows": whole(0, 2**53), "at": TEXT})
UPDATE = record("Update", {"tableId": TEXT, "revision": WHOLE, "rows": nullable(WHOLE), "at": MOMENT})
