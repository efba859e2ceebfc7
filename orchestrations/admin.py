"""Administration of people and projects; what teams build is shown, and changed only through the verbs."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import Model, QuerySet
from django.forms import EmailField, ModelForm
from django.http import HttpRequest
from django.utils import timezone

from orchestrations import (
    access,
    accounts,
    admin_of_storage,  # noqa: F401 -- registers its models
    editing,
)
from orchestrations.access import Actor
from orchestrations.lib.admin import CappedPaginator, LightAdmin, ReadOnlyAdmin, for_each
from orchestrations.models import (
    AccountMail,
    Configuration,
    ConfigurationVersion,
    LoginAttempt,
    Membership,
    Orchestration,
    Phase,
    Project,
    Subscription,
    Task,
    Token,
    TokenEvent,
    User,
)

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")
REFUSALS = (access.Denied, editing.InvalidConfiguration, editing.StaleEdit)


class LowerEmailField(EmailField):
    """One address, one person, however it is written."""

    def clean(self, value: Any) -> str:
        return str(super().clean(value)).lower()


class NewPersonForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name")
        field_classes = {"email": LowerEmailField}


class PersonForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"
        field_classes = {"email": LowerEmailField}


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    form = PersonForm
    add_form = NewPersonForm
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    show_full_result_count = False
    paginator = CappedPaginator
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("email", "password", "name")}),
        ("Pages", {"fields": ("time_zone", "theme")}),
        ("Mail", {"fields": ("mail_on_error", "mail_on_warning", "mail_on_success", "mail_on_long")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """People are made inactive: their names stand in the history of jobs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whoever may set the password of an administrator of everything is one."""
        is_above = obj is not None and obj.is_superuser and not cast("User", request.user).is_superuser
        return not is_above and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Only an administrator of everything makes another one."""
        rights = () if cast("User", request.user).is_superuser else RIGHTS
        return (*super().get_readonly_fields(request, obj), *rights)


class MembershipForm(ModelForm):
    def clean(self) -> dict[str, Any] | None:
        if self.instance.pk is None:
            self.instance.created_at = timezone.now()
        return super().clean()


class MembershipInline(admin.TabularInline):
    model = Membership
    form = MembershipForm
    fields = ("user", "role")
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(Project)
class ProjectAdmin(LightAdmin):
    list_display = ("id", "name", "parallel_jobs", "paused_at", "created_at")
    list_display_links = ("id", "name")
    search_fields = ("name",)
    fields = ("name", "parallel_jobs", "paused_at", "created_at")
    readonly_fields = ("created_at",)
    inlines = (MembershipInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return False

    def get_inlines(self, request: HttpRequest, obj: Project | None) -> tuple[type[MembershipInline], ...]:
        """A new project has its creator as a member before there can be others."""
        return (MembershipInline,) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        if isinstance(obj, Project) and not change:
            made = accounts.create_project(obj.name, creator=cast("User", request.user), now=timezone.now())
            obj.pk, obj.created_at = made.pk, made.created_at
            obj._state.adding = False
        super().save_model(request, obj, form, change=True)


@admin.register(Membership)
class MembershipAdmin(LightAdmin):
    list_display = ("user", "project", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "project")
    search_fields = ("user__email", "project__name")
    form = MembershipForm
    fields = ("project", "user", "role")
    autocomplete_fields = ("user", "project")


@admin.register(LoginAttempt)
class LoginAttemptAdmin(ReadOnlyAdmin):
    list_display = ("email", "address", "at")
    search_fields = ("email", "address")


@admin.register(Configuration)
class ConfigurationAdmin(ReadOnlyAdmin):
    list_display: tuple[str, ...] = (
        "name",
        "component_id",
        "key",
        "project",
        "version",
        "is_disabled",
        "deleted_at",
        "updated_at",
    )
    list_filter = ("is_disabled", ("deleted_at", admin.EmptyFieldListFilter))
    list_select_related = ("project",)
    search_fields = ("name", "=key", "=component_id")
    exclude = ("document", "state")
    actions = ("enable", "disable", "move_to_trash", "restore")

    @admin.action(description="Enable")
    def enable(self, request: HttpRequest, rows: QuerySet[Configuration]) -> None:
        self._set_enabled(request, rows, True)

    @admin.action(description="Disable")
    def disable(self, request: HttpRequest, rows: QuerySet[Configuration]) -> None:
        self._set_enabled(request, rows, False)

    @admin.action(description="Move to the trash")
    def move_to_trash(self, request: HttpRequest, rows: QuerySet[Configuration]) -> None:
        actor, now = _actor(request), timezone.now()
        for_each(
            self,
            request,
            rows.select_related("project"),
            lambda row: editing.trash(row, actor=actor, now=now),
            done="moved to the trash",
            refusals=REFUSALS,
        )

    @admin.action(description="Restore from the trash")
    def restore(self, request: HttpRequest, rows: QuerySet[Configuration]) -> None:
        actor, now = _actor(request), timezone.now()
        for_each(
            self,
            request,
            rows.select_related("project"),
            lambda row: editing.restore(row, actor=actor, now=now),
            done="restored",
            refusals=REFUSALS,
        )

    def _set_enabled(self, request: HttpRequest, rows: QuerySet[Configuration], enabled: bool) -> None:
        actor, now = _actor(request), timezone.now()
        for_each(
            self,
            request,
            rows.select_related("project"),
            lambda row: editing.set_enabled(row, enabled, actor=actor, now=now),
            done="enabled" if enabled else "disabled",
            refusals=REFUSALS,
        )


@admin.register(Orchestration)
class OrchestrationAdmin(ConfigurationAdmin):
    """The same rows, those of the orchestrator alone."""


@admin.register(ConfigurationVersion)
class ConfigurationVersionAdmin(ReadOnlyAdmin):
    list_display = ("configuration", "version", "change_description", "created_at", "created_by", "created_with")
    list_select_related = ("configuration", "created_by")
    search_fields = ("configuration__name", "change_description")
    exclude = ("document",)


@admin.register(Phase)
class PhaseAdmin(ReadOnlyAdmin):
    list_display = ("name", "orchestration", "position", "key")
    list_select_related = ("orchestration",)
    search_fields = ("name", "orchestration__name")


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "orchestration",
        "phase",
        "component_id",
        "configuration",
        "is_enabled",
        "continue_on_failure",
    )
    list_filter = ("is_enabled", "continue_on_failure")
    list_select_related = ("orchestration", "phase", "configuration")
    search_fields = ("name", "=key", "orchestration__name")
    exclude = ("request",)


@admin.register(Token)
class TokenAdmin(ReadOnlyAdmin):
    """Neither the hash nor the encrypted secret is ever shown."""

    list_display = (
        "id",
        "description",
        "project",
        "user",
        "orchestration",
        "expires_at",
        "replaced_at",
        "last_used_at",
    )
    list_select_related = ("project", "user", "orchestration")
    search_fields = ("description", "=id")
    exclude = ("secret_hash", "encrypted_secret")


@admin.register(TokenEvent)
class TokenEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "token", "kind", "message", "by")
    list_select_related = ("token",)
    search_fields = ("=token__id", "by")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("address", "event", "channel", "project", "configuration", "expires_at")
    list_filter = ("event", "channel")
    list_select_related = ("project", "configuration")
    search_fields = ("address", "configuration__name")
    exclude = ("encrypted_address", "encrypted_secret")


@admin.register(AccountMail)
class AccountMailAdmin(ReadOnlyAdmin):
    list_display = ("subject", "user", "created_at", "expanded_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    # It holds a link that opens the account.
    exclude = ("text",)


def _actor(request: HttpRequest) -> Actor:
    return Actor(user=cast("User", request.user))
