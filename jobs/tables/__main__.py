"""``python -m jobs.tables REQUEST.json [ANSWER.json]``"""

from __future__ import annotations

import json
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.tables.answering import answer


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print("usage: python -m jobs.tables REQUEST.json [ANSWER.json]", file=sys.stderr)
        return 2
    request = Path(arguments[0])
    found, code = _answer(request)
    if len(arguments) == 1:
        json.dump(found, sys.stdout, ensure_ascii=False)
        return code
    target = Path(arguments[1])
    half = target.with_name(f".{target.name}.half")
    half.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    half.replace(target)
    return code


def _answer(request: Path) -> tuple[dict[str, Any], int]:
    try:
        return answer(json.loads(request.read_bytes()), request.absolute().parent, datetime.now(UTC))
    except Exception:
        sentence = "The program of tables has failed; the log of the job has the details."
        detail = traceback.format_exc()
        return {"error": {"type": "application", "message": sentence, "table": None, "detail": detail}, "tables": []}, 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
