"""Who may make which call of the API, as ``test_permissions`` finds it to be."""

from __future__ import annotations

EXPECTED = {
    "admin": [
        "DELETE /v2/storage/buckets/{bucket_id}/share",
        "DELETE /v2/storage/files/{file_id}",
        "DELETE /v2/storage/tokens/{token_id}",
        "POST /v2/storage/buckets/{bucket_id}/share-organization",
        "POST /v2/storage/buckets/{bucket_id}/share-organization-project",
        "POST /v2/storage/buckets/{bucket_id}/share-to-projects",
        "POST /v2/storage/tokens/{token_id}/refresh",
        "PUT /v2/storage/tokens/{token_id}",
    ],
    "admin editor": [
        "DELETE /notification/project-subscriptions/{subscription_id}",
        "DELETE /scheduler/configurations/{configuration_id}",
        "DELETE /scheduler/schedules/{schedule_id}",
        "DELETE /v2/storage/components/{component_id}/configs/{configuration_id}",
        "DELETE /v2/storage/components/{component_id}/configs/{configuration_id}/metadata/{metadata_id}",
        "DELETE /v2/storage/triggers/{trigger_id}",
        "POST /scheduler/schedules",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/copy",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/metadata",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/restore",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/token",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/versions/{version}/create",
        "POST /v2/storage/components/{component_id}/configs/{configuration_id}/versions/{version}/rollback",
        "POST /v2/storage/triggers",
        "PUT /v2/storage/components/{component_id}/configs/{configuration_id}",
        "PUT /v2/storage/components/{component_id}/configs/{configuration_id}/state",
        "PUT /v2/storage/triggers/{trigger_id}",
    ],
    "admin stranger": [
        "POST /v2/storage/tokens",
    ],
    "admin editor own": [
        "DELETE /v2/storage/buckets/{bucket_id}",
    ],
    "admin editor stranger": [
        "POST /notification/project-subscriptions",
        "POST /v2/storage/components/{component_id}/configs",
    ],
    "admin editor operator viewer": [
        "GET /notification/project-subscriptions/{subscription_id}",
        "GET /scheduler/schedules/{schedule_id}",
        "GET /v2/storage/files/{file_id}",
        "GET /v2/storage/tokens/{token_id}",
        "GET /v2/storage/tokens/{token_id}/events",
        "GET /v2/storage/triggers/{trigger_id}",
    ],
    "admin editor operator viewer stranger": [
        "GET /notification/project-subscriptions",
        "GET /scheduler/schedules",
        "GET /v2/storage/tokens",
        "GET /v2/storage/triggers",
    ],
    "admin editor own full writer": [
        "DELETE /v2/storage/tables/{table_id}",
        "POST /v2/storage/buckets/{bucket_id}/tables-async",
        "POST /v2/storage/tables/{table_id}/import-async",
        "POST /v2/storage/tables/{table_id}/updates",
    ],
    "admin editor own maker stranger": [
        "GET /v2/storage/shared-buckets",
        "POST /v2/storage/buckets",
    ],
    "admin editor operator own full command": [
        "POST /queue/jobs",
        "POST /queue/jobs/{job_id}/kill",
        "POST /v2/storage/events",
    ],
    "admin editor own full writer stranger": [
        "POST /v2/storage/files/prepare",
    ],
    "admin editor operator viewer own full command": [
        "GET /queue/jobs/{job_id}",
        "GET /v2/storage/components/{component_id}/configs/{configuration_id}",
        "GET /v2/storage/components/{component_id}/configs/{configuration_id}/metadata",
        "GET /v2/storage/components/{component_id}/configs/{configuration_id}/versions",
        "GET /v2/storage/components/{component_id}/configs/{configuration_id}/versions/{version}",
    ],
    "admin editor operator viewer own full command stranger": [
        "GET /v2/storage/components/{component_id}",
        "GET /v2/storage/components/{component_id}/configs",
    ],
    "admin editor operator viewer own full reader writer": [
        "GET /v2/storage/buckets/{bucket_id}",
        "GET /v2/storage/buckets/{bucket_id}/tables",
        "GET /v2/storage/jobs/{job_id}",
        "GET /v2/storage/tables/{table_id}",
        "GET /v2/storage/tables/{table_id}/data-preview",
        "POST /v2/storage/tables/{table_id}/export-async",
    ],
    "admin editor operator own full maker runner nothing reader writer": [
        "POST /queue/jobs (a run)",
        "POST /queue/jobs/{job_id}/kill (a run)",
    ],
    "admin editor operator viewer own full maker runner nothing reader writer": [
        "GET /queue/jobs/{job_id} (a run)",
        "GET /queue/orchestration-rerun-plan/{job_id}",
    ],
    "admin editor operator viewer own full maker runner command nothing reader writer stranger": [
        "GET /queue/search/jobs",
        "GET /v2/storage/buckets",
        "GET /v2/storage/components",
        "GET /v2/storage/dev-branches",
        "GET /v2/storage/dev-branches/{branch_id}",
        "GET /v2/storage/events",
        "GET /v2/storage/files",
        "GET /v2/storage/jobs",
        "GET /v2/storage/search/component-configurations",
        "GET /v2/storage/tables",
        "GET /v2/storage/tokens/verify",
    ],
    "admin editor operator viewer own full maker runner command nothing reader writer expired gone replaced "
    "inactive stranger nobody": [
        "GET /v2/storage/",
    ],
}
"""Calls by those whom they let through. Strangers are let into their own project, limited tokens see what is theirs."""
