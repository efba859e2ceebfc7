"""The packages of a `python-transformation`: a virtual environment per list of packages, built once, kept and shared.

Becomes the transformation itself, in that environment, when it is there. Environments lie in TUTTI_CACHE_DIR, named
by a hash of the list and of the Python version. One job builds, others wait for its lock; the kernel frees the lock of
a job that was killed, and what that job left unfinished has no READY file and is built anew. They are built in their
final place because the scripts inside name their interpreter by its full path.
"""

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

USER_ERROR = 1
INTERNAL_ERROR = 2
READY = "tutti-ready.json"
_VERSION = r"(===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
REQUIREMENT = re.compile(
    rf"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9._,\s-]*\])?\s*({_VERSION}(\s*,\s*{_VERSION})*)?"
)


def main() -> None:
    packages = requirements(json.loads(Path(os.environ["KBC_DATADIR"], "config.json").read_text(encoding="utf-8")))
    environment = environment_folder(packages)
    environment.parent.mkdir(parents=True, exist_ok=True)
    if not (environment / READY).exists():
        with locked(environment.with_suffix(".lock")):
            if not (environment / READY).exists():
                build(environment, packages)
    os.utime(environment / READY)
    python = str(environment / "bin" / "python")
    program = str(Path(__file__).resolve().with_name("main.py"))
    os.execv(python, [python, "-I", "-X", "utf8", program, "--prepared"])  # noqa: S606


def requirements(config: Any) -> list[str]:
    """The list without doubles and order. Only names with versions: no options, addresses or paths reach pip."""
    packages = config["parameters"]["packages"]
    for package in packages:
        if not isinstance(package, str) or not REQUIREMENT.fullmatch(package.strip()):
            stop(f"parameters.packages: {str(package)[:100]!r} is not a package name with an optional version.")
    return sorted({re.sub(r"\s+", "", package) for package in packages})


def environment_folder(packages: list[str]) -> Path:
    cache = os.environ.get("TUTTI_CACHE_DIR")
    if not cache:
        stop("TUTTI_CACHE_DIR is not set: there is no place to install packages.", INTERNAL_ERROR)
    identity = json.dumps([packages, sys.implementation.cache_tag, platform.python_version(), platform.machine()])
    return Path(cache).resolve() / "python-environments" / hashlib.sha256(identity.encode()).hexdigest()[:32]


@contextmanager
def locked(file: Path) -> Iterator[None]:
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another job that installs the same packages.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(environment: Path, packages: list[str]) -> None:
    say(f"Installing {', '.join(packages)}.")
    shutil.rmtree(environment, ignore_errors=True)
    shared_pip = has_pip()
    words = [sys.executable, "-I", "-m", "venv", *(["--without-pip"] if shared_pip else []), str(environment)]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode:
        print((made.stdout + made.stderr).strip(), file=sys.stderr)
        stop("A virtual environment cannot be made on this machine.", INTERNAL_ERROR)
    install(environment, packages, shared_pip)
    unfinished = environment / f"{READY}.new"
    unfinished.write_text(json.dumps(packages), encoding="utf-8")
    unfinished.rename(environment / READY)


def has_pip() -> bool:
    """Whether our own Python has a pip, which then serves every environment: copying one in takes seconds."""
    find = "import importlib.util, sys; sys.exit(importlib.util.find_spec('pip') is None)"
    return subprocess.run([sys.executable, "-I", "-c", find], check=False).returncode == 0


def install(environment: Path, packages: list[str], shared_pip: bool) -> None:
    python = str(environment / "bin" / "python")
    words = [sys.executable, "-I", "-m", "pip", "--python", python] if shared_pip else [python, "-I", "-m", "pip"]
    words += ["install", "--no-input", "--progress-bar=off", "--disable-pip-version-check"]
    words += [f"--cache-dir={environment.parent / 'pip'}", "--", *packages]
    pip = subprocess.run(words, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    if pip.returncode:
        say(pip.stderr.strip())  # into the log; standard error is the message of the job
        errors = re.findall(r"^ERROR: (.+)$", pip.stderr, re.MULTILINE)
        shutil.rmtree(environment, ignore_errors=True)
        stop(f"The packages cannot be installed: {errors[-1] if errors else f'pip ended with code {pip.returncode}'}")


def say(message: str) -> None:
    print(message, flush=True)


def stop(message: str, code: int = USER_ERROR) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
