from jobs.models.clusters import Cluster
from jobs.models.events import JobEvent, LogChunk
from jobs.models.jobs import Cause, Job, StatusLiteral

__all__ = ["Cause", "Cluster", "Job", "JobEvent", "LogChunk", "StatusLiteral"]
