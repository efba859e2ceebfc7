from django.apps import AppConfig


class OrchestrationSiteConfig(AppConfig):
    name = "orchestration_site"
