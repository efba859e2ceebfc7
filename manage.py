#!/usr/bin/env python
"""Tutti's command line: ``manage.py up`` starts everything on one machine."""

import os
import sys


def main(argv):  # type: ignore[no-untyped-def]  # no annotations: an old Python must get as far as the sentence
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit("Tutti needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])  # noqa: UP031
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestration_site.settings")
    try:
        if argv[1:2] == ["up"]:
            # It loads Django itself: the settings are not to be read before --data is known.
            from orchestration_site import launcher

            sys.exit(launcher.main(argv[2:]))
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as error:
        sys.exit(
            "The package %s is missing in %s. Start with `make run`, or install requirements.lock."  # noqa: UP031
            % (error.name, sys.prefix)
        )
    try:
        execute_from_command_line(argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv)  # type: ignore[no-untyped-call]
