"""To chat services, by an address of Apprise."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime

from django.conf import settings

from jobs.models import Delivery
from jobs.notifying.channels import NotAccepted
from orchestrations import subscribing
from orchestrations.lib import outbound

PROGRAM = "jobs.notifying.channels.chat_program"
TIMEOUT_SECONDS = 30
UNKNOWN_SERVICE, PRIVATE = 2, 3


def send(delivery: Delivery, now: datetime) -> str:
    """Raises NotAccepted."""
    address = subscribing.chat_address_of(delivery)
    _check_host(address)
    message = {
        "address": address,
        "title": delivery.subject,
        "body": delivery.text,
        "allowed": settings.ALLOW_PRIVATE_ADDRESSES,
    }
    try:
        # On standard input: the address holds keys, and everybody may read a command line.
        ended = subprocess.run(
            [sys.executable, "-m", PROGRAM],
            cwd=settings.BASE_DIR,
            input=json.dumps(message),
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotAccepted("The chat service did not answer in time.", is_silent=True) from error
    if ended.returncode == UNKNOWN_SERVICE:
        raise NotAccepted("The address is not one of a chat service that is known here.", is_final=True)
    if ended.returncode == PRIVATE:
        raise NotAccepted("The address leads to a private address, which this site does not allow.", is_final=True)
    if ended.returncode:
        raise NotAccepted("The chat service did not take the message.", is_silent=True)
    return "Accepted by the chat service."


def _check_host(address: str) -> None:
    host = subscribing.own_host_of(address)
    if not host:
        return
    try:
        outbound.check_host(host, allowed=settings.ALLOW_PRIVATE_ADDRESSES)
    except outbound.Refused as error:
        raise NotAccepted(str(error), is_final=True) from error
    except outbound.NoAnswer as error:
        raise NotAccepted(str(error), is_silent=True) from error
