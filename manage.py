#!/usr/bin/env python
"""Tutti's command line: ``manage.py up`` starts everything on one machine."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestration_site.settings")
    execute_from_command_line(sys.argv)
