"""From one configuration to an orchestration that runs it and starts by itself."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orchestrations import automating
from orchestrations.access import Actor
from orchestrations.models import Configuration
from scheduling import planning
from scheduling.planning import Wanted


def automate(
    configuration: Configuration, wanted: Wanted | None, *, actor: Actor, now: datetime, name: str = ""
) -> Configuration:
    """A new orchestration of this one task, with its schedule: both or neither. Without one it runs by hand.

    Raises Denied, InvalidConfiguration, InvalidSchedule.
    """
    with transaction.atomic():
        made = automating.automate(configuration, actor=actor, now=now, name=name)
        if wanted is not None:
            planning.add(made, wanted, actor=actor, now=now)
    return made
