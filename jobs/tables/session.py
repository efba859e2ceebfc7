"""What every verb is given: the storage, the engine within its limits, and the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jobs.tables.engine import Engine
from jobs.tables.places import Place


@dataclass(frozen=True)
class Session:
    place: Place
    engine: Engine
    now: datetime
