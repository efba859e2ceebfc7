"""A child of the launcher that begins where the launcher stands: Django is loaded, its memory is shared.

What the child takes over is as clean as after an exec: no descriptor but those named, no signal handler, no thread, no
connection (the launcher has neither of the two), a session of its own.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Collection
from contextlib import suppress

from orchestrations.lib import lifeline

STANDARD = (0, 1, 2)
FAILED = 1
HANDLED = (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGINT)


def fork(program: Callable[[], int], descriptors: Collection[int] = ()) -> int:
    """The pid of a child that runs ``program`` to its exit code; of our descriptors it has the ``descriptors`` alone.

    Ctrl-C at the terminal reaches only the launcher; on Linux the child is dead when the launcher is.
    """
    launcher = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    # A signal that comes before the child has put our handlers away must not end in them.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid
    code = FAILED
    try:
        _stand_alone(launcher, descriptors)
        code = program()
    except SystemExit as error:
        code = _code_of(error)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def wait(pid: int) -> int:
    """How this child ended: its exit code, or minus the signal's number."""
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _stand_alone(launcher: int, descriptors: Collection[int]) -> None:
    lifeline.die_with_parent()
    if os.getppid() != launcher:
        os._exit(FAILED)
    os.setsid()
    _reset_signals()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    kept = {*STANDARD, *descriptors}
    for descriptor in _open_descriptors() - kept:
        with suppress(OSError):
            os.close(descriptor)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _reset_signals() -> None:
    """As a fresh Python has them. What was ignored when we were started (nohup) stays ignored."""
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def _open_descriptors() -> set[int]:
    return {int(name) for name in os.listdir("/dev/fd")}


def _code_of(error: SystemExit) -> int:
    """As Python itself ends: a sentence goes to stderr and is a failure."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)  # noqa: T201
    return FAILED
