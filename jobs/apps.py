from django.apps import AppConfig

from jobs import checks

__all__ = ["JobsConfig", "checks"]


class JobsConfig(AppConfig):
    name = "jobs"
