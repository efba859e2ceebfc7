"""By SMTP, with the settings of the site."""

from __future__ import annotations

import smtplib
from datetime import datetime
from functools import partial

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from jobs.models import Delivery
from jobs.notifying import leasing
from jobs.notifying.channels import NotAccepted, NotSetUp
from jobs.notifying.channels.smtp import Unanswered

REFUSED_FOR_GOOD = 500
"""From here on an answer to the address or the message is final; 4xx asks to try again (RFC 5321, 4.2.1)."""


def send(delivery: Delivery, now: datetime) -> str:
    """Raises NotSetUp, NotAccepted, leasing.Lost."""
    if not settings.EMAIL_HOST:
        raise NotSetUp
    message = EmailMultiAlternatives(
        subject=delivery.subject,
        body=delivery.text,
        to=[delivery.address],
        headers={"Message-ID": f"<{delivery.message_id}>", "Auto-Submitted": "auto-generated"},
    )
    if delivery.html:
        message.attach_alternative(delivery.html, "text/html")
    try:
        get_connection(before_data=partial(_have_it_until_the_answer, delivery)).send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        raise NotAccepted(_words(code, answer), is_final=code >= REFUSED_FOR_GOOD) from error
    except smtplib.SMTPAuthenticationError as error:
        # The administrator's mistake, not the message's: it is tried again.
        raise NotAccepted(f"The mail server did not let us in: {_words(error.smtp_code, error.smtp_error)}") from error
    except smtplib.SMTPSenderRefused as error:
        raise NotAccepted(_words(error.smtp_code, error.smtp_error)) from error
    except smtplib.SMTPResponseException as error:
        final = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= REFUSED_FOR_GOOD
        raise NotAccepted(_words(error.smtp_code, error.smtp_error), is_final=final) from error
    except Unanswered as error:
        raise NotAccepted(f"The mail server has the whole message, but {error}. It may have arrived.") from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotAccepted(f"The mail server did not answer: {error}") from error
    return "Accepted by the mail server."


def _have_it_until_the_answer(delivery: Delivery) -> None:
    """Nobody else may send it while the server takes its time to accept it."""
    leasing.extend(delivery, seconds=settings.EMAIL_ANSWER_SECONDS)


def _words(code: int, answer: bytes | str) -> str:
    said = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return f"{code} {' '.join(said.split())}"[:1000]
