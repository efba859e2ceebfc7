"""One database, in a process whose environment says which: ``python -m tests.chaos.run DATABASE SECONDS SEED FOLDER``.

Writes its verdict as JSON beside the machines' folders.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from pathlib import Path

import django

VERDICT = "verdict.json"


def main(arguments: list[str]) -> int:
    django.setup()
    # Models can be imported only now.
    story = importlib.import_module("tests.chaos.story")
    judgement = importlib.import_module("tests.chaos.judgement")
    database, seconds, seed, folder = arguments
    plan = story.Plan(database=database, seconds=float(seconds), seed=int(seed), folder=Path(folder))
    verdict = story.run(plan)
    judgement.show(verdict)
    counts = {"passed": verdict.passed, "failed": verdict.failed}
    (Path(folder) / VERDICT).write_text(json.dumps(dataclasses.asdict(verdict) | counts))
    return 1 if verdict.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
