from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models


class Role(models.TextChoices):
    """What a member may do; each includes the ones below it (DESIGN §8)."""

    ADMIN = "admin", "Admin"
    EDITOR = "editor", "Editor"
    OPERATOR = "operator", "Operator"
    VIEWER = "viewer", "Viewer"


def default_parallel_jobs() -> int:
    return int(settings.PROJECT_PARALLEL_JOBS)


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: models.Model) -> ProjectQuerySet:
        """Those that the person is a member of; administrators of the site see all."""
        return self if getattr(user, "is_superuser", False) else self.filter(memberships__user=user)


class Project(models.Model):
    """The boundary of everything a team owns."""

    name = models.CharField(max_length=150)
    parallel_jobs = models.PositiveIntegerField(
        default=default_parallel_jobs,
        validators=[MinValueValidator(1)],
        help_text="At most this many component jobs at once (R6).",
    )
    paused_at = models.DateTimeField(null=True, blank=True, help_text="Since when nothing new is started.")
    created_at = models.DateTimeField()

    objects: ClassVar = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(parallel_jobs__gte=1), name="project_parallel_jobs_positive")
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role, default=Role.VIEWER)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"
