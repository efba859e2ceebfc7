from orchestrations.models.accounts import LoginAttempt, User
from orchestrations.models.configurations import Configuration, ConfigurationVersion
from orchestrations.models.orchestrations import Orchestration, Phase, Task
from orchestrations.models.projects import Membership, Project, Role
from orchestrations.models.tokens import Token

__all__ = [
    "Configuration",
    "ConfigurationVersion",
    "LoginAttempt",
    "Membership",
    "Orchestration",
    "Phase",
    "Project",
    "Role",
    "Task",
    "Token",
    "User",
]
