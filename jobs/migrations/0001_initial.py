import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("orchestrations", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Cluster",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("owner", models.CharField(max_length=150, unique=True)),
                ("host", models.CharField(max_length=100)),
                ("workers", models.PositiveIntegerField()),
                ("labels", models.JSONField(default=list)),
                ("started_at", models.DateTimeField()),
                ("heartbeat_at", models.DateTimeField(db_index=True)),
                ("stopped_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="jobs", to="orchestrations.project"
                    ),
                ),
                (
                    "root",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="descendants",
                        to="jobs.job",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="children", to="jobs.job"
                    ),
                ),
                ("parent_run_id", models.CharField(blank=True, default="", max_length=100)),
                ("component_id", models.CharField(max_length=100)),
                (
                    "is_run",
                    models.BooleanField(help_text="The job of an orchestration: takes no slot and no worker (R6)."),
                ),
                (
                    "configuration",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="jobs",
                        to="orchestrations.configuration",
                    ),
                ),
                ("configuration_version", models.PositiveIntegerField(null=True)),
                ("name", models.CharField(help_text="Of the configuration when the job was created.", max_length=255)),
                (
                    "request",
                    models.JSONField(
                        default=dict, help_text="configData, configRowIds, variableValuesData, tag, mode."
                    ),
                ),
                (
                    "only_task_keys",
                    models.JSONField(help_text="The selection of a partial run; None means all active.", null=True),
                ),
                ("task_key", models.CharField(blank=True, default="", max_length=100)),
                ("phase_key", models.CharField(blank=True, default="", max_length=100)),
                (
                    "phase_position",
                    models.PositiveIntegerField(help_text="Of the task's phase; of a run: that it is in.", null=True),
                ),
                ("continue_on_failure", models.BooleanField(default=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("processing", "Processing"),
                            ("terminating", "Terminating"),
                            ("success", "Success"),
                            ("warning", "Warning"),
                            ("error", "Error"),
                            ("terminated", "Terminated"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="waiting",
                        max_length=11,
                    ),
                ),
                ("message", models.TextField(blank=True, default="")),
                (
                    "error_type",
                    models.CharField(blank=True, default="", help_text="user or application", max_length=12),
                ),
                ("result", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
                ("delayed_until", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("person", "by hand"),
                            ("api", "API token"),
                            ("schedule", "schedule"),
                            ("trigger", "trigger"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_with",
                    models.ForeignKey(
                        help_text="Who asked for it.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="orchestrations.token",
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        help_text="What it runs with, bound when it becomes processing (R18).",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="jobs",
                        to="orchestrations.token",
                    ),
                ),
                (
                    "previous_job",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="retries", to="jobs.job"
                    ),
                ),
                ("idempotency_key", models.CharField(max_length=255, null=True)),
                (
                    "label",
                    models.CharField(blank=True, default="", help_text="Only workers with this label.", max_length=50),
                ),
                ("owner", models.CharField(blank=True, default="", max_length=150)),
                ("worker", models.CharField(blank=True, default="", max_length=100)),
                ("fence", models.CharField(blank=True, default="", max_length=32)),
                ("lease_until", models.DateTimeField(null=True)),
                (
                    "begun_at",
                    models.DateTimeField(
                        help_text="A worker took this attempt up; before, nothing has run.", null=True
                    ),
                ),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("terminated_by", models.CharField(blank=True, default="", max_length=255)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("status", "waiting")), fields=["id"], name="job_waiting"),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", True)),
                        fields=["project", "owner"],
                        name="job_unsettled",
                    ),
                    models.Index(
                        condition=models.Q(("finished_at__isnull", True)),
                        fields=["configuration", "finished_at", "id"],
                        name="job_unsettled_of_conf",
                    ),
                    models.Index(fields=["configuration", "-id"], name="job_of_configuration"),
                    models.Index(fields=["project", "-id"], name="job_of_project"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["processing", "terminating"])),
                        fields=("configuration",),
                        name="job_one_active_per_configuration",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "waiting",
                                    "processing",
                                    "terminating",
                                    "success",
                                    "warning",
                                    "error",
                                    "terminated",
                                    "cancelled",
                                ],
                            )
                        ),
                        name="job_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("finished_at__isnull", False),
                                ("status__in", ["cancelled", "error", "success", "terminated", "warning"]),
                            ),
                            models.Q(
                                ("finished_at__isnull", True), ("status__in", ["processing", "terminating", "waiting"])
                            ),
                            _connector="OR",
                        ),
                        name="job_settled_iff_finished",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "waiting"), _negated=True),
                            models.Q(("fence", ""), ("lease_until__isnull", True), ("owner", "")),
                            _connector="OR",
                        ),
                        name="job_waiting_has_no_owner",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_run", True),
                            models.Q(("status__in", ["processing", "terminating"]), _negated=True),
                            models.Q(("lease_until__isnull", False), models.Q(("fence", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="job_active_component_has_lease",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("parent__isnull", False)),
                        fields=("parent", "task_key"),
                        name="job_one_per_task",
                    ),
                    models.UniqueConstraint(fields=("project", "idempotency_key"), name="job_idempotency_key_unique"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("parent__isnull", True), ("root__isnull", True)),
                            models.Q(("parent__isnull", False), ("root__isnull", False)),
                            _connector="OR",
                        ),
                        name="job_root_iff_parent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("parent", models.F("pk")), _negated=True), name="job_not_its_own_parent"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="JobEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="jobs.job"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(help_text="Past participle: job.created, job.settled …", max_length=40)),
                (
                    "level",
                    models.CharField(
                        choices=[("info", "Info"), ("success", "Success"), ("warn", "Warning"), ("error", "Error")],
                        default="info",
                        max_length=7,
                    ),
                ),
                ("message", models.TextField()),
                ("data", models.JSONField(default=dict)),
            ],
            options={
                "indexes": [models.Index(fields=["job", "id"], name="jobs_jobeve_job_id_95f7be_idx")],
            },
        ),
        migrations.CreateModel(
            name="LogChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="log_chunks", to="jobs.job"
                    ),
                ),
                ("sequence", models.PositiveIntegerField()),
                ("attempt", models.PositiveSmallIntegerField(default=1)),
                (
                    "end_offset",
                    models.BigIntegerField(help_text="Bytes of this attempt's log file that are stored up to here."),
                ),
                ("lines", models.PositiveIntegerField()),
                ("text", models.TextField()),
            ],
            options={
                "ordering": ["sequence"],
                "constraints": [models.UniqueConstraint(fields=("job", "sequence"), name="log_chunk_once")],
            },
        ),
    ]
