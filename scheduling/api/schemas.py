"""Schedules and event triggers as JSON Schemas (API.md). Tests hold every answer against them."""

from __future__ import annotations

from orchestrations.api.schemas import CREATOR
from orchestrations.lib.openapi import ID, MOMENT, TEXT, WHOLE, list_of, nullable, one_of, record, request, whole

SCHEDULE = record(
    "Schedule",
    {
        "id": TEXT,
        "tokenId": nullable(TEXT),
        "configurationId": nullable(TEXT),
        "configurationVersionId": TEXT,
        "schedule": record("", {"cronTab": TEXT, "timezone": TEXT, "state": one_of(["enabled", "disabled"])}),
        "target": record("", {"componentId": TEXT, "configurationId": TEXT, "mode": TEXT}),
        "executions": list_of(record("", {"jobId": TEXT, "executionTime": MOMENT})),
        "nextExecutionTime": nullable(MOMENT),
    },
)
NEW_SCHEDULE = request(
    "NewSchedule",
    {
        "configurationId": {**ID, "description": "Of a configuration of keboola.scheduler."},
        "configurationVersionId": ID,
    },
    required=["configurationId"],
)
_TRIGGER = {
    "runWithTokenId": ID,
    "component": TEXT,
    "configurationId": ID,
    "coolDownPeriodMinutes": whole(1, 2**31 - 1),
    "tableIds": list_of(TEXT),
}
NEW_TRIGGER = request("NewTrigger", _TRIGGER, required=["configurationId", "tableIds"])
CHANGED_TRIGGER = request("ChangedTrigger", _TRIGGER)
TRIGGER = record(
    "Trigger",
    {
        "id": TEXT,
        "runWithTokenId": nullable(WHOLE),
        "component": TEXT,
        "configurationId": TEXT,
        "lastRun": nullable(MOMENT),
        "coolDownPeriodMinutes": WHOLE,
        "creatorToken": CREATOR,
        "tables": list_of(record("", {"tableId": TEXT})),
    },
)
