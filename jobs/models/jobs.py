from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from jobs.states import ACTIVE, SETTLED, UNSETTLED, JobStatus


class Cause(models.TextChoices):
    """What started the run; children inherit their root's (R20)."""

    PERSON = "person", "by hand"
    API = "api", "API token"
    SCHEDULE = "schedule", "schedule"
    TRIGGER = "trigger", "trigger"


class StatusLiteral(models.Value):
    """A status that stands in the SQL itself: SQLite cannot tell by a parameter that a partial index fits."""

    def __init__(self, status: JobStatus) -> None:
        super().__init__(status.value)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        return f"'{self.value}'", ()


class JobQuerySet(models.QuerySet["Job"]):
    def in_project(self, project: models.Model | int) -> JobQuerySet:
        return self.filter(project=project)

    def waiting(self) -> JobQuerySet:
        return self.unsettled().filter(status=JobStatus.WAITING)

    def active(self) -> JobQuerySet:
        """Processing or terminating: holds its configuration (R5) and, if a component's, a slot (R6)."""
        return self.unsettled().filter(status__in=ACTIVE)

    def running(self) -> JobQuerySet:
        """Component jobs that hold a worker and a slot (R6), found at once however many wait: those have no owner."""
        return self.unsettled().filter(owner__gt="")

    def unsettled(self) -> JobQuerySet:
        """By the absence of an end: SQLite sees that a partial index fits IS NULL, but not a list of parameters."""
        return self.filter(finished_at__isnull=True)

    def settled(self) -> JobQuerySet:
        return self.filter(status__in=SETTLED)

    def ended_badly(self) -> JobQuerySet:
        """Settled, and not in success: in the words of the indexes of failures."""
        return self.filter(Q(finished_at__isnull=False) & ~Q(status=StatusLiteral(JobStatus.SUCCESS)))

    def without_trials(self) -> JobQuerySet:
        """Without connection tests: those are answered where they were asked for."""
        return self.filter(is_trial=False)

    def roots(self) -> JobQuerySet:
        return self.filter(parent__isnull=True)

    def due(self) -> JobQuerySet:
        """Not held back by their own delay, by the database's clock."""
        return self.filter(Q(delayed_until__isnull=True) | Q(delayed_until__lte=Now()))

    def first_of_their_configuration(self) -> JobQuerySet:
        """Those before which no older job of the same configuration must run (R5).

        An older one that is still delayed holds nobody up (R6).
        """
        older = (
            Job.objects.filter(configuration=models.OuterRef("configuration"), pk__lt=models.OuterRef("pk"))
            .unsettled()
            .filter(Q(delayed_until__isnull=True) | Q(delayed_until__lte=Now()) | Q(status__in=ACTIVE))
        )
        running = Job.objects.filter(configuration=models.OuterRef("configuration")).active()
        return self.filter(Q(configuration__isnull=True) | (~models.Exists(older) & ~models.Exists(running)))


class Job(models.Model):
    """One execution of one configuration; the queue and the truth.

    ``root`` is the job under whose lock everything below it changes (R11); None for a root itself.
    ``owner`` is the cluster, ``worker`` its process, ``fence`` the token of the attempt: only who shows it may write.
    """

    # Every index costs at each change of status: three foreign keys have theirs in the indexes of lists, below.
    project = models.ForeignKey("orchestrations.Project", on_delete=models.PROTECT, related_name="jobs", db_index=False)
    root = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="descendants")
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")
    parent_run_id = models.CharField(max_length=100, blank=True, default="")
    component_id = models.CharField(max_length=100)
    is_run = models.BooleanField(help_text="The job of an orchestration: takes no slot and no worker (R6).")
    configuration = models.ForeignKey(
        "orchestrations.Configuration", null=True, on_delete=models.SET_NULL, related_name="jobs", db_index=False
    )
    configuration_version = models.PositiveIntegerField(null=True)
    name = models.CharField(max_length=255, help_text="Of the configuration when the job was created.")
    request = models.JSONField(default=dict, help_text="configData, configRowIds, variableValuesData, tag, mode.")
    is_trial = models.BooleanField(
        default=False, help_text="Another action than run, such as testing a connection: no run, and no failed one."
    )
    only_task_keys = models.JSONField(null=True, help_text="The selection of a partial run; None means all active.")

    task_key = models.CharField(max_length=100, blank=True, default="")
    phase_key = models.CharField(max_length=100, blank=True, default="")
    phase_position = models.PositiveIntegerField(null=True, help_text="Of the task's phase; of a run: that it is in.")
    continue_on_failure = models.BooleanField(default=False)

    status = models.CharField(max_length=11, choices=JobStatus, default=JobStatus.WAITING)
    message = models.TextField(blank=True, default="")
    error_type = models.CharField(max_length=12, blank=True, default="", help_text="user or application")
    result = models.JSONField(default=dict)
    progress = models.JSONField(
        null=True, help_text="How far its program says it is: {done, total or null, text}; None when it said nothing."
    )
    created_at = models.DateTimeField()
    delayed_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    cause = models.CharField(max_length=8, choices=Cause)
    cause_detail = models.CharField(
        max_length=255, blank=True, default="", help_text="Which schedule, for which moment; which updates."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    created_with = models.ForeignKey(
        "orchestrations.Token", null=True, on_delete=models.SET_NULL, related_name="+", help_text="Who asked for it."
    )
    token = models.ForeignKey(
        "orchestrations.Token",
        null=True,
        on_delete=models.SET_NULL,
        related_name="jobs",
        help_text="What it runs with, bound when it becomes processing (R18).",
    )
    had_token = models.BooleanField(
        default=False, help_text="Asked for with a token: when that is deleted, nobody's rights take its place."
    )
    previous_job = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="retries")
    idempotency_key = models.CharField(max_length=255, null=True)
    idempotency_digest = models.CharField(max_length=64, blank=True, default="", help_text="Of what the key came with.")

    label = models.CharField(max_length=50, blank=True, default="", help_text="Only workers with this label.")
    owner = models.CharField(max_length=150, blank=True, default="")
    worker = models.CharField(max_length=100, blank=True, default="")
    fence = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True, help_text="A worker took this attempt up; before, nothing has run.")
    attempt = models.PositiveSmallIntegerField(default=0)
    terminated_by = models.CharField(max_length=255, blank=True, default="")

    objects: ClassVar = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            # R5, the backstop that no code can get around.
            models.UniqueConstraint(
                fields=["configuration"],
                condition=Q(status__in=sorted(ACTIVE)),
                name="job_one_active_per_configuration",
            ),
            models.CheckConstraint(condition=Q(status__in=JobStatus.values), name="job_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=sorted(SETTLED), finished_at__isnull=False)
                | Q(status__in=sorted(UNSETTLED), finished_at__isnull=True),
                name="job_settled_iff_finished",
            ),
            models.CheckConstraint(
                condition=~Q(status=JobStatus.WAITING) | Q(owner="", fence="", lease_until__isnull=True),
                name="job_waiting_has_no_owner",
            ),
            models.CheckConstraint(
                condition=Q(is_run=True) | ~Q(status__in=sorted(ACTIVE)) | Q(lease_until__isnull=False) & ~Q(fence=""),
                name="job_active_component_has_lease",
            ),
            models.UniqueConstraint(
                fields=["parent", "task_key"], condition=Q(parent__isnull=False), name="job_one_per_task"
            ),
            models.UniqueConstraint(fields=["project", "idempotency_key"], name="job_idempotency_key_unique"),
            models.CheckConstraint(
                condition=Q(root__isnull=True, parent__isnull=True) | Q(root__isnull=False, parent__isnull=False),
                name="job_root_iff_parent",
            ),
            models.CheckConstraint(condition=~Q(parent=F("pk")), name="job_not_its_own_parent"),
        ]
        indexes = [
            # finished_at is always NULL in these four, yet named: SQLite would otherwise take one of all jobs.
            # The first gives the candidates of a claim in their order, with no look at what has settled.
            models.Index(
                fields=["finished_at", "id"], condition=Q(finished_at__isnull=True), name="job_unsettled_by_id"
            ),
            # The next two tell what runs from what waits, which has no owner.
            models.Index(
                fields=["project", "finished_at", "owner", "id"],
                condition=Q(finished_at__isnull=True),
                name="job_unsettled_of_project",
            ),
            models.Index(
                fields=["finished_at", "owner"], condition=Q(finished_at__isnull=True), name="job_unsettled_of_owner"
            ),
            models.Index(
                fields=["configuration", "finished_at", "id"],
                condition=Q(finished_at__isnull=True),
                name="job_unsettled_of_conf",
            ),
            # What is pruned, the oldest first; parent is named for the same reason.
            models.Index(
                fields=["parent", "finished_at"],
                condition=Q(parent__isnull=True, finished_at__isnull=False),
                name="job_root_by_end",
            ),
            models.Index(fields=["configuration", "-id"], name="job_of_configuration"),
            models.Index(fields=["project", "-id"], name="job_of_project"),
            # What queries of jobs (jobs.queries.matching) look for: each gives the newest first, with no sorting.
            models.Index(fields=["project", "component_id", "-id"], name="job_of_component"),
            models.Index(fields=["created_by", "project", "-id"], name="job_of_person"),
            models.Index(fields=["project", "created_at"], name="job_by_time"),
            # Failures are few. SQLite wants these very conditions in a query to see that the index fits.
            models.Index(
                fields=["project", "status", "-id"],
                condition=Q(finished_at__isnull=False) & ~Q(status=JobStatus.SUCCESS),
                name="job_failed",
            ),
            models.Index(
                fields=["project", "-finished_at"],
                condition=Q(finished_at__isnull=False) & ~Q(status=JobStatus.SUCCESS),
                name="job_failed_by_end",
            ),
        ]

    def __str__(self) -> str:
        return f"Job {self.pk}"

    @property
    def lock_id(self) -> int:
        """The root under whose lock this job changes: itself or its root."""
        return self.root_id or self.pk

    @property
    def run_id(self) -> str:
        """The API's runId: the ids from the root down, joined by dots."""
        return f"{self.parent_run_id}.{self.pk}" if self.parent_run_id else str(self.pk)

    @property
    def is_settled(self) -> bool:
        return self.status in SETTLED

    @property
    def is_partial(self) -> bool:
        return self.only_task_keys is not None

    @property
    def duration_seconds(self) -> float | None:
        """From start to end; None when it has not started or not ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()
