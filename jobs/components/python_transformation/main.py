"""The component `python-transformation`: runs the code of its configuration in the job's data folder.

A program of its own with nothing but the standard library, started without `site` because that is half of Python's
start. Exit codes as in the Common Interface: 1 an error in the user's code, 2 one of ours. The last line on standard
error is the message of the job.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import sys
from types import CodeType, ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself would be a fifth of the start of a job
    from typing import Any, NoReturn

USER_ERROR = 1
INTERNAL_ERROR = 2
NAME = "code"
PREPARED = "--prepared"
HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Lines go to the job's log as they are printed; what is not a character is no reason to fail.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    os.chdir(os.environ.get("KBC_DATADIR") or fail("KBC_DATADIR is not set: this program runs as a job."))
    config = read_config()
    parameters = config["parameters"]
    if parameters.get("packages") and PREPARED not in sys.argv:
        os.execv(sys.executable, [sys.executable, "-I", "-S", "-X", "utf8", os.path.join(HERE, "prepare.py")])  # noqa: S606
    run(str(parameters.get("code") or ""))
    check_outputs(config)


def read_config() -> dict[str, Any]:
    try:
        with open("config.json", encoding="utf-8") as file:
            config = json.load(file)
            parameters = config["parameters"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        fail(f"config.json of the data folder cannot be read: {error!r}")
    return config if isinstance(parameters, dict) else fail('config.json: "parameters" is not an object.')


def run(code: str) -> None:
    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = [NAME]
    if not hasattr(builtins, "exit"):
        builtins.exit = builtins.quit = sys.exit  # type: ignore[assignment]  # they come with `site`, which is left out
    try:
        exec(compile_code(code), module.__dict__)  # noqa: S102 -- running it is what this program is for
    except (Exception, KeyboardInterrupt) as error:
        report(error, code)
        sys.exit(USER_ERROR)


def compile_code(code: str) -> CodeType:
    # Without the inheritance of this file's own `from __future__` imports.
    return compile(code, NAME, "exec", dont_inherit=True)


def report(error: BaseException, code: str) -> None:
    """The traceback through the user's own lines, then one line that says where and what."""
    import linecache  # noqa: PLC0415 -- they would be half of the start of every job that has no error
    import traceback  # noqa: PLC0415

    linecache.cache[NAME] = (len(code), None, code.splitlines(keepends=True), NAME)
    story = traceback.TracebackException.from_exception(error, compact=True)
    line = strip_frames(story) or (error.lineno if isinstance(error, SyntaxError) and error.filename == NAME else None)
    told = list(story.format_exception_only())
    what = told[-1].strip().split("\n")[0]
    if isinstance(error, ModuleNotFoundError):
        what += " (packages that the code needs are named under its packages)"
    if isinstance(error, FileNotFoundError) and "in/tables/" in str(error.filename):
        tables = [name for name in list_tables("in/tables") if not name.endswith(".manifest")]
        what += f" (input tables: {', '.join(tables) or 'none; choose them in the input mapping'})"
    if line is not None:
        shown = list(story.format())
        if len(told) == 1 and "\n" not in told[0].strip() and shown[-1] == told[0]:
            shown.pop()
        header = "" if "Traceback (most" in shown[0] else "Traceback (most recent call last):\n"
        sys.stderr.write(header + "".join(shown))
    sys.stdout.flush()
    sys.stderr.write(f"line {line}: {what}\n" if line is not None else f"{what}\n")


def strip_frames(story: Any) -> int | None:
    """Leaves the frames of the user's code in `story` (a TracebackException) and in what caused it; the last line."""
    for cause in (story.__cause__, story.__context__, *(getattr(story, "exceptions", None) or ())):
        if cause is not None:
            strip_frames(cause)
    story.stack[:] = [frame for frame in story.stack if frame.filename == NAME]
    return story.stack[-1].lineno if story.stack else None


def check_outputs(config: dict[str, Any]) -> None:
    """Each table of the output mapping must be there; the one who wrote the code hears what is there instead."""
    declared = ((config.get("storage") or {}).get("output") or {}).get("tables") or []
    if not declared:
        return
    written = [name for name in list_tables("out/tables") if not name.endswith(".manifest")]
    for each in declared:
        source = each["source"]
        if any(source in (name, without_ending(name)) for name in written):
            continue
        misplaced = next((name for name in (source, source + ".csv", f"out/{source}") if os.path.isfile(name)), None)
        if misplaced is not None:
            hint = f"It was written to {misplaced} instead."
        else:
            hint = f"There are: {', '.join(written)}." if written else "Nothing was written there."
        sys.stdout.flush()
        print(f"The output table out/tables/{source} is missing. {hint}", file=sys.stderr)
        sys.exit(USER_ERROR)


def list_tables(folder: str) -> list[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def without_ending(name: str) -> str:
    for ending in (".csv.gz", ".csv", ".parquet"):
        if name.endswith(ending):
            return name[: -len(ending)]
    return name


def fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(INTERNAL_ERROR)


if __name__ == "__main__":
    main()
