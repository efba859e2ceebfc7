"""The one task that django-q2's workers perform."""

from __future__ import annotations

import os
import signal

from jobs.broker.shared import cluster, this_process
from jobs.claiming import Claim
from jobs.performing import Worker
from orchestrations.lib.process_names import name_this

_workers: dict[int, Worker] = {}
"""This process's worker under its pid: a fork must not use its parent's nursery."""


def perform(job_id: int, fence: str) -> None:
    cluster.begun_beat.touch()
    worker_of_this_process().perform_all(Claim(job_id, fence))


def worker_of_this_process() -> Worker:
    pid = os.getpid()
    if pid not in _workers:
        _workers.clear()
        _workers[pid] = Worker(cluster.claimant(this_process()), cluster.drain)
        _workers[pid].nursery.start()
    return _workers[pid]


def on_spawn(**kwargs: object) -> None:
    """A worker has been forked: have its nursery ready before the first job. Stops are the main process's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    name_this("tutti-worker")
    worker_of_this_process()
