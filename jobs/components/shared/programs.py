"""The beginning and the end of a program: streams, exit codes, a signal that lets `finally` do its work."""

from __future__ import annotations

import io
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.errors import ApplicationError, UserError

USER_ERROR = 1
APPLICATION_ERROR = 2

_stopped_by: list[int] = []


def run(main: Callable[[DataFolder], None]) -> NoReturn:
    """Never returns: exit 0 when `main` did, 1 with the sentence of a UserError, 2 with everything about another."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    signal.signal(signal.SIGTERM, _stop)
    try:
        main(DataFolder.of_this_job())
    except UserError as error:
        _end(USER_ERROR, str(error))
    except ApplicationError as error:
        _end(APPLICATION_ERROR, str(error))
    except Exception:
        if _stopped_by:  # libraries in C make errors of their own of it
            sys.exit(128 + _stopped_by[0])
        _end(APPLICATION_ERROR, traceback.format_exc())
    sys.exit(0)


def _end(code: int, message: str) -> NoReturn:
    sys.stdout.flush()
    print(message.rstrip(), file=sys.stderr)
    sys.exit(code)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    # Not the default, which would leave half-written files behind outside of the data folder.
    _stopped_by.append(number)
    sys.exit(128 + number)
