"""Deleting the old rows of a table: which, then how many, then a job does it."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from jobs import storing
from jobs.queries import tables as queries
from jobs.views.answers import tell_scheduled
from jobs.views.storage_forms import AgeForm, posted
from jobs.views.table_actions import find_own, show_dialog
from orchestrations.lib.htmx import go_to
from orchestrations.models import Role
from orchestrations.tables import Found
from orchestrations.views.members import MemberRequest, for_members

AGED = frozenset({"DATE", "TIMESTAMP", "STRING"})
"""Types whose values can have an age."""


@require_http_methods(["GET", "HEAD", "POST"])
@for_members(Role.EDITOR)
def delete(request: MemberRequest, table_id: str) -> HttpResponse:
    """POST says how many rows that would be; with sure=1 a job deletes them."""
    bucket, table = find_own(request, table_id)
    found, member = Found(table=table, bucket=bucket), request.member
    columns = [each.name for each in queries.columns_of(table) if each.type in AGED]
    form, asked = AgeForm(posted(request), columns=columns), {}
    if form.is_valid():
        wanted = {"column": form.cleaned_data["column"], "older_than": form.older_than, "actor": member.actor}
        try:
            if request.POST.get("sure") == "1":
                job = storing.delete_rows(found, **wanted, now=member.now)
                tell_scheduled(request, job)
                return go_to(request, reverse("job", args=[job.project_id, job.pk]))
            asked = {"is_sure": True, "count": storing.count_rows(found, **wanted)}
        except storing.Refused as error:
            form.refuse(error)
    return show_dialog(request, "storage/rows_delete_form.html", bucket, table, form=form, **asked)
