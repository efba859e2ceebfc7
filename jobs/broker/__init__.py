"""django-q2 under our queue: the only package that knows it (DESIGN §5, STYLE A6).

It gives the pool of worker processes; the Job table is the queue. ``processes`` replaces what wedges when a process is
killed, ``main`` runs a cluster, ``JobBroker`` hands claims to its workers.
"""

from jobs.broker.pushing import JobBroker

__all__ = ["JobBroker"]
