"""By HTTP, signed as Standard Webhooks says."""

from __future__ import annotations

import json
from datetime import datetime

from django.conf import settings
from standardwebhooks.webhooks import Webhook

from jobs.models import Delivery
from jobs.notifying.channels import NotAccepted
from orchestrations import subscribing
from orchestrations.lib import outbound

TIMEOUT_SECONDS = 5
GONE = 410
"""The receiver wants no more of it, for good."""


def send(delivery: Delivery, now: datetime) -> str:
    """Raises NotAccepted."""
    body = json.dumps(delivery.payload, ensure_ascii=False, separators=(",", ":"))
    headers = {"Content-Type": "application/json", "User-Agent": "Tutti", **_signature(delivery, body, now)}
    try:
        answer = outbound.post(
            delivery.address,
            body.encode(),
            headers,
            seconds=TIMEOUT_SECONDS,
            allowed=settings.ALLOW_PRIVATE_ADDRESSES,
        )
    except outbound.Refused as error:
        raise NotAccepted(str(error), is_final=True) from error
    except outbound.NoAnswer as error:
        raise NotAccepted(str(error), is_silent=True) from error
    said = " ".join(answer.text.split())[:300]
    sentence = f"{answer.status} {said}".strip()
    if not 200 <= answer.status < 300:
        raise NotAccepted(sentence, is_final=answer.status == GONE)
    return sentence


def _signature(delivery: Delivery, body: str, now: datetime) -> dict[str, str]:
    headers = {"webhook-id": delivery.message_id, "webhook-timestamp": str(int(now.timestamp()))}
    if delivery.subscription is not None and delivery.subscription.encrypted_secret:
        signer = Webhook(subscribing.secret_of(delivery.subscription))
        headers["webhook-signature"] = signer.sign(delivery.message_id, now, body)
    return headers
