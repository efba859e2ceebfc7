"""Forms of Storage: what may be typed. What becomes of it is the verbs' business."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict

from orchestrations import accounts
from orchestrations.models import Bucket, Project, Stage, User
from orchestrations.views.people_forms import InputForm

NOBODY, NAMED, EVERYBODY = "nobody", "named", "all"
MOST_PROJECTS = 200
UNITS = ("hour", "day", "week", "month", "year")
LONGEST_AGE = 10_000


class StorageForm(InputForm):
    def refuse(self, error: Exception) -> None:
        """What a verb had to say, at the field that it names: "name: there is a bucket in.c-sales already."."""
        field, _, words = str(error).partition(": ")
        if words and field in self.fields:
            self.add_error(field, f"{words[:1].upper()}{words[1:]}")
        else:
            self.add_error(None, str(error))


class DescriptionForm(StorageForm):
    description = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"class": "input", "rows": 4, "data-first": ""}),
    )

    def clean_description(self) -> str:
        """Browsers send the ends of lines as \\r\\n."""
        return str(self.cleaned_data["description"]).replace("\r\n", "\n").strip()


class BucketForm(DescriptionForm):
    field_order = ("stage", "name", "description")
    stage = forms.ChoiceField(
        choices=[(Stage.IN, "In: data as it comes in"), (Stage.OUT, "Out: results for others")],
        widget=forms.RadioSelect,
        initial=Stage.IN,
    )
    name = forms.CharField(
        help_text="Letters, digits, dashes and underscores. Its id begins with in.c- or out.c-.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "data-first": ""}),
    )


class LinkForm(StorageForm):
    """Under which id a shared bucket is shown here."""

    stage = forms.ChoiceField(choices=Stage.choices, widget=forms.RadioSelect)
    name = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
        help_text="As it is called there, unless you have a bucket of this name.",
    )


class AgeForm(StorageForm):
    """Which rows are old: by a column, or by when they were last changed."""

    column = forms.ChoiceField(
        label="By", required=False, help_text="Text counts where it is a date or time in ISO form."
    )
    number = forms.IntegerField(
        label="Older than",
        min_value=1,
        max_value=LONGEST_AGE,
        initial=30,
        widget=forms.NumberInput(attrs={"class": "input", "inputmode": "numeric", "data-first": ""}),
    )
    unit = forms.ChoiceField(label="Unit", choices=[(each, f"{each}s") for each in UNITS], initial="day")

    def __init__(self, *args: Any, columns: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [("", "When a row was last changed"), *((each, each) for each in columns)]
        self.fields["column"].choices = offered  # type: ignore[attr-defined]

    @property
    def older_than(self) -> str:
        """In the words of a manifest."""
        number, unit = self.cleaned_data["number"], self.cleaned_data["unit"]
        return f"{number} {unit}{'' if number == 1 else 's'}"


class SharingForm(StorageForm):
    """Projects are offered that the person belongs to; of others nobody learns the names, only their own number."""

    scope = forms.ChoiceField(
        label="Who may link it",
        choices=[(NOBODY, "Nobody"), (NAMED, "These projects"), (EVERYBODY, "All projects of this site")],
        widget=forms.RadioSelect,
    )
    projects = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    others = forms.CharField(
        label="Other projects by number",
        required=False,
        help_text="Separated by commas. The number stands in the address of every page of the project: /projects/7/.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, bucket: Bucket, user: User, **kwargs: Any) -> None:
        shared = [each.project for each in bucket.shares.select_related("project")]
        offered = {each.pk: each for each in [*accounts.projects_of(user), *shared] if each.pk != bucket.project_id}
        scope = EVERYBODY if bucket.is_shared_with_all else NAMED if shared else NOBODY
        kwargs["initial"] = {"scope": scope, "projects": [str(each.pk) for each in shared]}
        super().__init__(*args, **kwargs)
        named = sorted(offered.values(), key=lambda each: each.name.casefold())[:MOST_PROJECTS]
        self.fields["projects"].choices = [(str(each.pk), each.name) for each in named]  # type: ignore[attr-defined]

    def clean_others(self) -> list[Project]:
        words = str(self.cleaned_data["others"]).replace(",", " ").split()
        numbers = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 19]
        found = {each.pk: each for each in Project.objects.filter(pk__in=numbers)}
        unknown = [word for word in words if not word.isascii() or not word.isdigit() or int(word) not in found]
        if unknown:
            raise forms.ValidationError(f"There is no project {', '.join(unknown[:3])}.")
        return list(found.values())

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("scope") == NAMED and not given.get("projects") and not given.get("others") and not self.errors:
            self.add_error("scope", "Choose a project, or nobody.")
        return given

    @property
    def chosen(self) -> list[Project]:
        if self.cleaned_data["scope"] != NAMED:
            return []
        return [*Project.objects.filter(pk__in=self.cleaned_data["projects"]), *self.cleaned_data["others"]]

    @property
    def is_for_all(self) -> bool:
        return bool(self.cleaned_data["scope"] == EVERYBODY)


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: nothing when it is only asked for."""
    return request.POST if request.method == "POST" else None
