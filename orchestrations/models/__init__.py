from orchestrations.models.accounts import LoginAttempt, User
from orchestrations.models.configurations import Configuration, ConfigurationVersion
from orchestrations.models.metadata import ConfigurationMetadata
from orchestrations.models.orchestrations import Orchestration, Phase, Task
from orchestrations.models.projects import Membership, Project, Role
from orchestrations.models.sessions import Session
from orchestrations.models.storage import Bucket, BucketShare, Stage, Table, TableFolder
from orchestrations.models.subscriptions import AccountMail, Channel, EventType, Subscription
from orchestrations.models.table_uses import TableUse, UseKind
from orchestrations.models.tokens import Token, TokenEvent

__all__ = [
    "AccountMail",
    "Bucket",
    "BucketShare",
    "Channel",
    "Configuration",
    "ConfigurationMetadata",
    "ConfigurationVersion",
    "EventType",
    "LoginAttempt",
    "Membership",
    "Orchestration",
    "Phase",
    "Project",
    "Role",
    "Session",
    "Stage",
    "Subscription",
    "Table",
    "TableFolder",
    "TableUse",
    "Task",
    "Token",
    "TokenEvent",
    "UseKind",
    "User",
]
