from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class Token(models.Model):
    """What a program shows to act in a project. Only a hash of the secret is kept (R18, DESIGN §8).

    Three kinds: a person's own (``user`` set), an orchestration's own (``orchestration`` set; its secret is also
    kept encrypted, since it is handed to components) and a limited one (neither).
    ``component_access`` None means every component; ``bucket_permissions`` None means every bucket.
    """

    project = models.ForeignKey("orchestrations.Project", on_delete=models.CASCADE, related_name="tokens")
    description = models.CharField(max_length=255)
    secret_hash = models.CharField(max_length=64)
    encrypted_secret = models.TextField(blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="tokens"
    )
    orchestration = models.ForeignKey(
        "orchestrations.Configuration", null=True, blank=True, on_delete=models.CASCADE, related_name="own_tokens"
    )
    component_access = models.JSONField(null=True, blank=True)
    bucket_permissions = models.JSONField(null=True, blank=True)
    may_manage_buckets = models.BooleanField(default=False)
    may_manage_tokens = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(
        null=True, blank=True, help_text="A newer one took over: refused for anything new (R18)."
    )
    refreshed_at = models.DateTimeField(null=True, blank=True, help_text="When it was last made anew.")
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["orchestration"], condition=Q(replaced_at__isnull=True), name="token_one_per_orchestration"
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=True) | Q(orchestration__isnull=True), name="token_has_one_owner"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.description} ({self.pk})"

    @property
    def is_master(self) -> bool:
        """A person's own: may do what the person may."""
        return self.user_id is not None


class TokenEvent(models.Model):
    """What happened to a token: created, changed, refreshed, replaced. Gone with it."""

    token = models.ForeignKey(Token, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=40, help_text="Past participle: token.created, token.refreshed …")
    message = models.TextField()
    by = models.CharField(max_length=255, help_text="The person or the token that did it.")

    class Meta:
        indexes = [models.Index(fields=["token", "-id"], name="token_event_of_token")]

    def __str__(self) -> str:
        return f"{self.kind} of token {self.token_id}"
