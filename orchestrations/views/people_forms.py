"""Forms of people and projects: what may be typed. What becomes of it is the verbs' business."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from orchestrations import accounts
from orchestrations.lib import zones
from orchestrations.models import Project, Role, User
from orchestrations.models.accounts import Theme

ROLES = {
    Role.VIEWER: "Looks at everything, changes nothing.",
    Role.OPERATOR: "Also runs, retries, terminates, and switches on and off.",
    Role.EDITOR: "Also changes orchestrations and configurations.",
    Role.ADMIN: "Also manages members and the project.",
}
"""From the least to the most; each includes the ones before it."""
MOST_PARALLEL = 1000


class InputForm(forms.Form):
    """Fields in the house's dress. Django itself ties hints and errors to them (aria-describedby)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not isinstance(field.widget, forms.CheckboxInput | forms.RadioSelect | forms.Select):
                field.widget.attrs.setdefault("class", "input input--large")
            if isinstance(field.widget, forms.CheckboxInput):
                field.widget.attrs.setdefault("class", "check")


class ProfileForm(InputForm):
    name = forms.CharField(max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    time_zone = forms.ChoiceField(label="Time zone", widget=forms.Select(attrs={"data-searched": "zone-search"}))
    theme = forms.ChoiceField(choices=Theme.choices, widget=forms.RadioSelect)
    mail_on_error = forms.BooleanField(label="Error", required=False)
    mail_on_warning = forms.BooleanField(label="Warning", required=False)
    mail_on_long = forms.BooleanField(label="Longer than usual", required=False)
    mail_on_success = forms.BooleanField(label="Success", required=False)

    def __init__(self, *args: Any, user: User, now: datetime, **kwargs: Any) -> None:
        self.user = user
        kwargs["initial"] = {name: getattr(user, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        choices = [(zone.name, zone.words) for zone in zones.choices(now)]
        if user.time_zone is None:
            choices.insert(0, ("", "Not chosen yet: times are shown in UTC"))
            self.fields["time_zone"].required = False
        self.fields["time_zone"].choices = choices  # type: ignore[attr-defined]

    def clean_time_zone(self) -> Any:
        return zones.find(self.cleaned_data["time_zone"])


class PasswordForm(InputForm):
    current = forms.CharField(
        label="Current password", widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    password = forms.CharField(
        label="New password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 8 characters, not only digits, nothing that everybody uses.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_current(self) -> str:
        current = str(self.cleaned_data["current"])
        try:
            accounts.prove_password(self.user, current, now=timezone.now())
        except accounts.NotProved as error:
            raise ValidationError(str(error)) from error
        return current

    def clean_password(self) -> str:
        return _strong(self.cleaned_data["password"], self.user)


class InvitationForm(InputForm):
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off", "data-first": ""})
    )
    role = forms.ChoiceField(choices=Role.choices, widget=forms.RadioSelect, initial=Role.EDITOR)
    confirmed = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def ask_whether_it_is(self, user_id: int, question: str) -> None:
        """Drawn again, it says who has the address, and the next try confirms that very account."""
        self.add_error("email", question)
        self.data = {**self.data.dict(), "confirmed": str(user_id)}  # type: ignore[attr-defined]


class RoleForm(InputForm):
    role = forms.ChoiceField(choices=Role.choices, widget=forms.RadioSelect)


class AcceptForm(InputForm):
    name = forms.CharField(label="Your name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label="Password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 8 characters, not only digits, nothing that everybody uses.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        return _strong(self.cleaned_data["password"], self.user)


class ProjectNameForm(InputForm):
    name = forms.CharField(max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off", "data-first": ""}))


class ProjectForm(InputForm):
    name = forms.CharField(max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    parallel_jobs = forms.IntegerField(
        label="Parallel jobs",
        min_value=1,
        max_value=MOST_PARALLEL,
        help_text="At most this many component jobs of the project run at once; the others wait and say so. "
        "Orchestrations themselves do not count.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        kwargs["initial"] = {"name": project.name, "parallel_jobs": project.parallel_jobs}
        super().__init__(*args, **kwargs)


def _strong(password: str, user: User) -> str:
    validate_password(password, user)
    return password
