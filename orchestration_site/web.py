"""Settings of gunicorn, for ``up`` and for a service: ``gunicorn --config python:orchestration_site.web``."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestration_site import environment
from orchestrations.lib import lifeline

wsgi_app = "orchestration_site.wsgi:application"
bind = environment.bind()
# One process with threads: pages wait for the database more than they compute, and a process costs 60 MB.
worker_class = "gthread"
workers = environment.whole("WEB_PROCESSES", 1, least=1)
threads = environment.whole("WEB_THREADS", 8, least=1)
timeout = 60
graceful_timeout = 10
keepalive = 5
# A worker's sign of life is a file that it touches; on a slow disk it would seem to hang.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (gunicorn makes a private name)
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
# Whose X-Forwarded-… to believe: a proxy on this machine, and only when there is one.
forwarded_allow_ips = "127.0.0.1,::1" if environment.flag("BEHIND_PROXY") else ""
accesslog = "-" if environment.flag("ACCESS_LOG") else None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True


def when_ready(server: Any) -> None:
    lifeline.stop_when_cut(environment.descriptor("LIFELINE_FD"))


def post_fork(server: Any, worker: Any) -> None:
    lifeline.die_with_parent()


def post_worker_init(worker: Any) -> None:
    """Tell ``up`` that pages are answered."""
    descriptor = environment.descriptor("READY_FD")
    if descriptor is not None:
        with suppress(OSError):
            os.write(descriptor, b"!")
