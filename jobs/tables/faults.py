"""Steps at which tests kill the program, or stop it to let another one pass (R12)."""

from __future__ import annotations

import os
import signal

VARIABLE = "TUTTI_FAULT"
STEPS = (
    "stage.marked",  # nothing but the mark is there
    "stage.written",  # data files are there, the answer is not
    "commit.columns",  # new columns are in the table, its data is not
    "commit.rewritten",  # the files of an upsert or a deletion are there
    "commit.before-log",
    "commit.after-log",  # committed; whoever asked does not know
    "commit.tidied",
)


def reach(step: str) -> None:
    """``TUTTI_FAULT=commit.before-log`` kills, ``TUTTI_FAULT=commit.before-log:stop`` stops once."""
    wanted, _, what = os.environ.get(VARIABLE, "").partition(":")
    if wanted != step:
        return
    if what == "stop":
        del os.environ[VARIABLE]
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        os.kill(os.getpid(), signal.SIGKILL)
