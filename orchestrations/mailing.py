"""Mails about accounts: written here, sent by the floor above (R21)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from orchestrations.models import AccountMail, User

REST = timedelta(minutes=5)
"""Between two mails with a new password for one account: nobody fills somebody else's mailbox."""


def is_set_up() -> bool:
    """Whether this site has a mail server; without one nobody is promised a mail."""
    return bool(settings.EMAIL_HOST)


def invite(user: User, *, link: str, project_name: str, by: User, now: datetime) -> None:
    days = settings.PASSWORD_RESET_TIMEOUT // 86400
    _write(
        user,
        f"{by} invites you to {project_name}",
        f"{by} ({by.email}) invites you to the project {project_name}.\n\n"
        f"Make your account here; the link works once, within {days} days:\n{link}\n",
        now,
    )


def lead_to_new_password(user: User, *, link: str, now: datetime) -> bool:
    """False when one was written a moment ago."""
    subject = "A new password for Tutti"
    if AccountMail.objects.filter(user=user, subject=subject, created_at__gt=now - REST).exists():
        return False
    text = f"Somebody, probably you, asked for a new password. Set it here:\n{link}\n\nIf it was not you, do nothing.\n"
    _write(user, subject, text, now)
    return True


def _write(user: User, subject: str, text: str, now: datetime) -> None:
    AccountMail.objects.create(user=user, subject=" ".join(subject.split())[:255], text=text, created_at=now)
