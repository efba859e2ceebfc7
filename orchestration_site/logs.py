"""What must not come into the log, whoever writes the line."""

from __future__ import annotations

import logging
import re

_INVITATION = re.compile(r"(/invitation/\d+/)[^/\s\"']+")


class HidesInvitations(logging.Filter):
    """The link of an invitation opens an account until it is used, and the address of a refused form is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if "/invitation/" in said:
            record.msg, record.args = _INVITATION.sub(r"\1…", said), ()
        return True
