""" "Send test": shows whether messages of a subscription arrive, without waiting for something to happen."""

from __future__ import annotations

from datetime import datetime

from jobs.models import Delivery
from jobs.notifying import expanding, messages
from orchestrations import access
from orchestrations.access import Actor
from orchestrations.models import Channel, Role, Subscription, User


def send_test(subscription: Subscription, *, actor: Actor, now: datetime) -> Delivery:
    """A delivery like any other, told apart in the log. Raises Denied."""
    access.require(actor, subscription.project, Role.EDITOR)
    is_mail = subscription.channel == Channel.EMAIL
    delivery = Delivery(
        project=subscription.project,
        subscription=subscription,
        user=User.objects.filter(email=subscription.address).first() if is_mail else None,
        channel=subscription.channel,
        address=subscription.address,
        encrypted_address=subscription.encrypted_address,
        is_test=True,
        message_id=expanding.new_message_id(),
        next_attempt_at=now,
        created_at=now,
    )
    about = subscription.configuration.name if subscription.configuration is not None else subscription.project.name
    messages.write_test(delivery, about)
    delivery.save(force_insert=True)
    return delivery
