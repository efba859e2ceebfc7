from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """Where somebody is logged in, or a visitor of the login page. ``session_key`` is a hash of what the cookie holds.

    No constraint of the database to the person: one who is deleted meanwhile must not keep a page from being answered.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="sessions",
    )
    address = models.CharField(max_length=64, blank=True)
    agent = models.CharField(max_length=300, blank=True, help_text="What the browser says of itself.")
    seen_at = models.DateTimeField(null=True)

    objects: ClassVar = models.Manager()  # type: ignore[assignment]

    class Meta:
        pass

    def __str__(self) -> str:
        return f"{self.user} from {self.address}"
