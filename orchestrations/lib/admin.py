"""What the admin of every app is made of: pages that only show, and lists that never count a large table."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

COUNTED_AT_MOST = 2_000
CHOSEN_AT_MOST = 100
"""Rows of one action: each is a transaction of its own, within one request."""


class CappedPaginator(Paginator):
    """Counts only so far: who looks for an older row narrows the list down."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list[:COUNTED_AT_MOST]
        return rows.count() if isinstance(rows, QuerySet) else len(rows)


class LightAdmin(admin.ModelAdmin):
    """Newest first; as many queries for a million rows as for one."""

    show_full_result_count = False
    paginator = CappedPaginator
    list_per_page = 50
    list_max_show_all = 200
    ordering = ("-pk",)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Writes what was changed here, and nothing that somebody else has changed meanwhile."""
        if not change:
            obj.save(force_insert=True)
        elif form.changed_data:
            names = {field.name for field in obj._meta.concrete_fields}
            obj.save(update_fields=sorted(names.intersection(form.changed_data)))


class ReadOnlyAdmin(LightAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def for_each(
    model_admin: admin.ModelAdmin,
    request: HttpRequest,
    rows: QuerySet[Any],
    verb: Callable[[Any], object],
    *,
    done: str,
    refusals: tuple[type[Exception], ...],
) -> None:
    """Call the verb for every chosen row, and say how it went: ``done`` is the past participle, "terminated"."""
    chosen = list(rows[: CHOSEN_AT_MOST + 1])
    if len(chosen) > CHOSEN_AT_MOST:
        sentence = f"Choose at most {CHOSEN_AT_MOST} at once; nothing was done."
        model_admin.message_user(request, sentence, messages.ERROR)
        return
    count = 0
    for row in chosen:
        try:
            verb(row)
            count += 1
        except refusals as error:
            model_admin.message_user(request, f"{row}: {error}", messages.WARNING)
    if count:
        model_admin.message_user(request, f"{count} {done}.", messages.SUCCESS)
