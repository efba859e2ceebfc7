from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from jobs.models.jobs import Job
from orchestrations.models.subscriptions import Channel, EventType


class Notice(models.Model):
    """Something about a job that people may want to be told: one row, written in the transaction that did it (R21).

    Who is told is found out afterwards, so that nothing about subscriptions can hold up a settle.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="notices")
    event = models.CharField(max_length=26, choices=EventType)
    overtime_percent = models.PositiveIntegerField(default=0, help_text="Of LONG: the bound that was passed.")
    usual_seconds = models.FloatField(null=True, help_text="Of LONG: what was usual then.")
    at = models.DateTimeField()
    expanded_at = models.DateTimeField(null=True, help_text="When its deliveries were made.")

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "event", "overtime_percent"], name="notice_once"),
            models.CheckConstraint(condition=Q(event__in=EventType.values), name="notice_event_known"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(expanded_at__isnull=True), name="notice_pending")]

    def __str__(self) -> str:
        return f"{self.event} of job {self.job_id}"


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    KEPT = "kept", "Kept"
    """No mail server is set up: shown in the outbox instead of being lost."""


OPEN = (DeliveryStatus.WAITING, DeliveryStatus.KEPT)


class Delivery(models.Model):
    """One message to one address, and its fate.

    ``payload`` is what a webhook is sent; ``subject``, ``text`` and ``html`` what a mail or a chat is. A message goes
    out twice only when its sender was killed between the receiver's acceptance and our commit, or when the receiver
    took it and kept its answer for longer than anybody waits; then with the same ``message_id`` (R21).
    """

    project = models.ForeignKey("orchestrations.Project", null=True, on_delete=models.CASCADE, related_name="+")
    notice = models.ForeignKey(Notice, null=True, on_delete=models.CASCADE, related_name="deliveries")
    account_mail = models.ForeignKey(
        "orchestrations.AccountMail", null=True, on_delete=models.CASCADE, related_name="+"
    )
    subscription = models.ForeignKey(
        "orchestrations.Subscription", null=True, on_delete=models.SET_NULL, related_name="deliveries"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    channel = models.CharField(max_length=7, choices=Channel)
    address = models.CharField(max_length=500)
    encrypted_address = models.TextField(blank=True)
    is_test = models.BooleanField(default=False)
    subject = models.CharField(max_length=255, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    payload = models.JSONField(default=dict)
    message_id = models.CharField(max_length=100, unique=True)
    status = models.CharField(max_length=7, choices=DeliveryStatus, default=DeliveryStatus.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, help_text="Until then its sender has it to itself.")
    last_answer = models.TextField(blank=True, help_text="What the receiver said, or why there was none.")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["notice", "subscription"],
                condition=Q(notice__isnull=False, subscription__isnull=False),
                name="delivery_once",
            ),
            models.UniqueConstraint(
                fields=["notice", "user"],
                condition=Q(notice__isnull=False, subscription__isnull=True),
                name="delivery_to_person_once",
            ),
            models.CheckConstraint(condition=Q(status__in=DeliveryStatus.values), name="delivery_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=OPEN, finished_at__isnull=True)
                | ~Q(status__in=OPEN) & Q(finished_at__isnull=False),
                name="delivery_finished_iff_over",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(status=DeliveryStatus.WAITING), name="delivery_due"),
            models.Index(fields=["-id"], condition=Q(status=DeliveryStatus.KEPT), name="delivery_kept"),
            models.Index(fields=["project", "-id"], name="delivery_of_project"),
            models.Index(fields=["user", "-id"], name="delivery_to_person"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.address}"


class DeliveryAttempt(models.Model):
    """One try to hand a message over."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    was_accepted = models.BooleanField()
    answer = models.TextField(help_text="What the receiver said, or why there was none.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"try of delivery {self.delivery_id}"
