import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import orchestrations.models.projects
import timezone_field.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(max_length=150)),
                (
                    "time_zone",
                    timezone_field.fields.TimeZoneField(
                        blank=True, help_text="Empty until chosen or offered by the browser.", null=True
                    ),
                ),
                (
                    "theme",
                    models.CharField(
                        choices=[("system", "As the system"), ("light", "Light"), ("dark", "Dark")],
                        default="system",
                        max_length=6,
                    ),
                ),
                ("mail_on_error", models.BooleanField(default=True)),
                ("mail_on_warning", models.BooleanField(default=True)),
                ("mail_on_success", models.BooleanField(default=False)),
                ("mail_on_long", models.BooleanField(default=True, help_text="A run takes longer than usual.")),
                ("is_staff", models.BooleanField(default=False, verbose_name="administrator of this site")),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"),
                        name="user_email_unique",
                        violation_error_message="This e-mail is taken.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LoginAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.CharField(max_length=254)),
                ("address", models.CharField(max_length=64)),
                ("at", models.DateTimeField(db_index=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["email", "at"], name="orchestrati_email_490804_idx"),
                    models.Index(fields=["address", "at"], name="orchestrati_address_897d34_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=150)),
                (
                    "parallel_jobs",
                    models.PositiveIntegerField(
                        default=orchestrations.models.projects.default_parallel_jobs,
                        help_text="At most this many component jobs at once (R6).",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "paused_at",
                    models.DateTimeField(blank=True, help_text="Since when nothing new is started.", null=True),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("parallel_jobs__gte", 1)), name="project_parallel_jobs_positive"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="orchestrations.project",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("admin", "Admin"),
                            ("editor", "Editor"),
                            ("operator", "Operator"),
                            ("viewer", "Viewer"),
                        ],
                        default="viewer",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("project", "user"), name="membership_once"),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["admin", "editor", "operator", "viewer"])),
                        name="membership_role_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Configuration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="configurations",
                        to="orchestrations.project",
                    ),
                ),
                ("component_id", models.CharField(max_length=100)),
                (
                    "key",
                    models.CharField(
                        help_text="The id in the API; unique for a component in a project.", max_length=100
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True)),
                ("document", models.JSONField(default=dict)),
                ("state", models.JSONField(blank=True, default=dict)),
                ("version", models.PositiveIntegerField(default=1)),
                ("is_disabled", models.BooleanField(default=False)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "component_id", "name"], name="orchestrati_project_476dab_idx")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "component_id", "key"), name="configuration_key_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("version__gte", 1)), name="configuration_version_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Orchestration",
            fields=[],
            options={
                "proxy": True,
            },
            bases=("orchestrations.configuration",),
        ),
        migrations.CreateModel(
            name="ConfigurationVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "configuration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="orchestrations.configuration",
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True)),
                ("document", models.JSONField()),
                ("is_disabled", models.BooleanField(default=False)),
                ("change_description", models.CharField(max_length=255)),
                ("created_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_with",
                    models.CharField(blank=True, help_text="The token's description, if by a token.", max_length=255),
                ),
            ],
            options={
                "ordering": ["-version"],
                "constraints": [models.UniqueConstraint(fields=("configuration", "version"), name="version_once")],
            },
        ),
        migrations.CreateModel(
            name="Phase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "orchestration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="phases",
                        to="orchestrations.configuration",
                    ),
                ),
                ("key", models.CharField(help_text="The id inside the document.", max_length=100)),
                ("name", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True)),
                ("position", models.PositiveIntegerField()),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(fields=("orchestration", "key"), name="phase_key_unique"),
                    models.UniqueConstraint(fields=("orchestration", "position"), name="phase_position_unique"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "orchestration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tasks",
                        to="orchestrations.configuration",
                    ),
                ),
                (
                    "phase",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tasks", to="orchestrations.phase"
                    ),
                ),
                ("key", models.CharField(help_text="The id inside the document.", max_length=100)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("position", models.PositiveIntegerField()),
                ("component_id", models.CharField(max_length=100)),
                (
                    "configuration",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="used_by_tasks",
                        to="orchestrations.configuration",
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True)),
                ("continue_on_failure", models.BooleanField(default=False)),
                ("request", models.JSONField(blank=True, default=dict)),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(fields=("orchestration", "key"), name="task_key_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("component_id", ""), _negated=True), name="task_has_component"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to="orchestrations.project"
                    ),
                ),
                ("description", models.CharField(max_length=255)),
                ("secret_hash", models.CharField(max_length=64)),
                ("encrypted_secret", models.TextField(blank=True)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "orchestration",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="own_tokens",
                        to="orchestrations.configuration",
                    ),
                ),
                ("component_access", models.JSONField(blank=True, null=True)),
                ("bucket_permissions", models.JSONField(blank=True, null=True)),
                ("may_manage_buckets", models.BooleanField(default=False)),
                ("may_manage_tokens", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "replaced_at",
                    models.DateTimeField(
                        blank=True, help_text="A newer one took over: refused for anything new (R18).", null=True
                    ),
                ),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("replaced_at__isnull", True)),
                        fields=("orchestration",),
                        name="token_one_per_orchestration",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("user__isnull", True), ("orchestration__isnull", True), _connector="OR"),
                        name="token_has_one_owner",
                    ),
                ],
            },
        ),
    ]
