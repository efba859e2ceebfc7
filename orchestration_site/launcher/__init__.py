"""``manage.py up``: everything for one machine, started, kept alive and stopped by one small process.

The standard library alone: this process stays for as long as Tutti runs, and Django would make it ten times as large.
"""

from orchestration_site.launcher.main import main, up
from orchestration_site.launcher.options import add_arguments

__all__ = ["add_arguments", "main", "up"]
