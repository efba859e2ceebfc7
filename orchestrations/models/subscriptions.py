from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class EventType(models.TextChoices):
    """What somebody can be told about; the names of the API."""

    FAILED = "job-failed", "Errors"
    WARNING = "job-succeeded-with-warning", "Warnings"
    SUCCEEDED = "job-succeeded", "Success"
    LONG = "job-processing-long", "Processing"


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"
    CHAT = "chat", "Chat"


class Subscription(models.Model):
    """Who is told of an event of a configuration's jobs, when they were started unattended (R20).

    ``configuration`` None: of every one in the project, of ``component_id`` if that is given. ``address`` is what
    people may see; of a chat service the whole, with its keys, is in ``encrypted_address``. ``encrypted_secret`` signs
    a webhook.
    """

    project = models.ForeignKey("orchestrations.Project", on_delete=models.CASCADE, related_name="subscriptions")
    configuration = models.ForeignKey(
        "orchestrations.Configuration", null=True, blank=True, on_delete=models.CASCADE, related_name="subscriptions"
    )
    component_id = models.CharField(max_length=100, blank=True)
    event = models.CharField(max_length=26, choices=EventType)
    overtime_percent = models.PositiveIntegerField(
        null=True, blank=True, help_text="Of LONG alone: so much longer than usual."
    )
    channel = models.CharField(max_length=7, choices=Channel)
    address = models.CharField(max_length=500)
    encrypted_address = models.TextField(blank=True)
    encrypted_secret = models.TextField(blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_with = models.CharField(max_length=255, blank=True, help_text="The token's description, if by a token.")

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(event__in=EventType.values), name="subscription_event_known"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="subscription_channel_known"),
            models.CheckConstraint(
                condition=Q(event=EventType.LONG, overtime_percent__isnull=False)
                | ~Q(event=EventType.LONG) & Q(overtime_percent__isnull=True),
                name="subscription_percent_iff_long",
            ),
        ]
        indexes = [models.Index(fields=["project", "event"], name="subscription_of_event")]

    def __str__(self) -> str:
        return f"{self.event} to {self.address}"


class AccountMail(models.Model):
    """A mail about an account: an invitation, a new password. Written by the verb, sent by the floor above.

    It holds a link that opens the account, so nobody but the administrators of the site may see it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    subject = models.CharField(max_length=255)
    text = models.TextField()
    created_at = models.DateTimeField()
    expanded_at = models.DateTimeField(null=True, help_text="When its delivery was made.")

    objects: ClassVar = models.Manager()

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(expanded_at__isnull=True), name="account_mail_pending")]

    def __str__(self) -> str:
        return f"{self.subject} to {self.user}"
