"""``manage.py up``: everything for one machine, started, kept alive and stopped by one small process.

It loads Django once and forks the services from there: they share its memory, and start at once. It has no connection
to the database and no thread, so that what it forks is clean.
"""

from orchestration_site.launcher.main import main
from orchestration_site.launcher.options import add_arguments

__all__ = ["add_arguments", "main"]
