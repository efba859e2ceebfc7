from jobs.models.clusters import Cluster
from jobs.models.deliveries import Delivery, DeliveryAttempt, DeliveryStatus, Notice
from jobs.models.events import JobEvent, LogChunk
from jobs.models.jobs import Cause, Job, StatusLiteral
from jobs.models.storing import ImportMode, TableImport, TableUpdate, UpdateSource
from jobs.models.watching import WatchedTable

__all__ = [
    "Cause",
    "Cluster",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryStatus",
    "ImportMode",
    "Job",
    "JobEvent",
    "LogChunk",
    "Notice",
    "StatusLiteral",
    "TableImport",
    "TableUpdate",
    "UpdateSource",
    "WatchedTable",
]
