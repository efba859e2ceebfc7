"""How far the tables were that a configuration waits for, when a run of it began (R16).

The floor above decides by this whether a table has been updated since the last execution, by revisions and not by
clocks. It is sound because a start and a decision take the same locks, those of the watched rows:

- A start locks them, then reads the tables' revisions in a statement of its own, in the transaction that makes the run
  processing. An update that is committed before that statement belongs to this run; any later one counts for the next.
- A decision locks them, then looks whether a run waits and how far the tables are. Either it comes first: a run that
  waits will read the revisions that the decision saw, or later ones. Or it comes after the start, and sees the new
  baselines. It never takes an update for that of a run which has read the revisions without it.

An update that a run may have read already, since the data is there a little before the revision, counts for the next
run too: once too often, never too seldom.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from jobs.models import WatchedTable
from orchestrations.lib.prepared import Param, Query, Update
from orchestrations.models import Table

LOCK = Query(
    lambda: (
        WatchedTable.objects.select_for_update(no_key=True)
        .filter(configuration=Param("configuration"))
        .order_by("pk")
        .values_list("pk")
    )
)
_REVISION = Subquery(Table.objects.filter(pk=OuterRef("table")).values("revision")[:1])
_NOTE = Update(
    lambda: WatchedTable.objects.filter(configuration=Param("configuration")),
    {"baseline_revision": Coalesce(_REVISION, F("baseline_revision")), "baseline_at": Param("at")},
)


def note_start(configuration_id: int | None, now: datetime) -> None:
    """In the transaction in which a run of the configuration becomes processing."""
    if configuration_id is not None and LOCK.rows(configuration=configuration_id):
        _NOTE.run(configuration=configuration_id, at=now)
