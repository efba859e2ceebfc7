from django.apps import AppConfig

from orchestration_site import checks

__all__ = ["OrchestrationSiteConfig", "checks"]


class OrchestrationSiteConfig(AppConfig):
    name = "orchestration_site"
