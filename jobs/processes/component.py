"""Starts the component's process, and says in plain words why one could not be started."""

from __future__ import annotations

import errno
import os
import resource
import signal

from . import kernel

TYPE_CHECKING = False  # the module `typing` would cost every supervisor 1 MB
if TYPE_CHECKING:
    from .protocol import ProcessSpec

OOM_SCORE = 500
FILE_SIZE_SLACK_BYTES = 1 << 20
TO_DEFAULT = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


class NotStarted(Exception):
    """The program does not run; the message is for the person who configured it."""


class Component:
    """A child that runs its program: `pid`, and what it prints.

    Started by posix_spawn(): a fork of this Python would copy a page for everything that the child touches, and cost
    more than the program's own start. It returns once the program runs, or says at once why it does not.
    """

    def __init__(self, spec: ProcessSpec) -> None:
        """Raises NotStarted; OSError when the machine has no descriptor left."""
        self.spec = spec
        self._open: list[int] = []
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        (self.stdout, out), (self.stderr, err) = (self._pipe() for _ in range(2))
        try:
            self.pid = _spawn(self.spec, out, err)
            kernel.choose_first_when_memory_runs_out(self.pid, OOM_SCORE)
        finally:
            for fd in (out, err):
                self._open.remove(fd)
                os.close(fd)
        for fd in self._open:
            os.set_blocking(fd, False)

    def _pipe(self) -> tuple[int, int]:
        reading, writing = os.pipe()
        self._open += [reading, writing]
        return reading, writing

    def close(self) -> None:
        while self._open:
            os.close(self._open.pop())


def _spawn(spec: ProcessSpec, out: int, err: int) -> int:
    step = "chdir"
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        os.chdir(spec.cwd)
        step = "exec"
        _limit_file_size(spec, limit)
        return _spawn_found(spec, out, err)
    except OSError as error:
        raise NotStarted(explain(spec, step, error.errno or 0)) from None
    except (ValueError, TypeError, IndexError):
        raise NotStarted(explain(spec, step, errno.EINVAL)) from None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        os.chdir("/")


def _limit_file_size(spec: ProcessSpec, limit: tuple[int, int]) -> None:
    """Of this process, and so of the child: posix_spawn() has no word for it."""
    if spec.disk_limit_bytes is not None:
        hard = limit[1]
        most = spec.disk_limit_bytes + FILE_SIZE_SLACK_BYTES
        resource.setrlimit(resource.RLIMIT_FSIZE, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _spawn_found(spec: ProcessSpec, out: int, err: int) -> int:
    """The program by its path, or the first of that name in the component's own PATH, as execvp() looks for it."""
    program = spec.argv[0]
    if "/" in program or not program:
        return _spawn_at(program, spec, out, err)
    refused: OSError | None = None
    for folder in os.get_exec_path(spec.env):
        try:
            return _spawn_at(os.path.join(folder, program), spec, out, err)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            refused = refused or error
    raise refused or FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _spawn_at(path: str, spec: ProcessSpec, out: int, err: int) -> int:
    # Everything else closes itself on exec; the nursery has closed what it inherited.
    connect = (
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, out, 1),
        (os.POSIX_SPAWN_DUP2, err, 2),
    )
    return os.posix_spawn(
        path, spec.argv, spec.env, file_actions=connect, setsid=True, setsigmask=(), setsigdef=TO_DEFAULT
    )


def explain(spec: ProcessSpec, step: str, number: int) -> str:
    """The sentence for the person who configured the component."""
    if step == "chdir":
        return f"The working directory “{spec.cwd}” {_REASONS_DIRECTORY.get(number) or _otherwise(number)}."
    if not spec.argv or not spec.argv[0]:
        return "The component has no command to start."
    program = spec.argv[0]
    if number == errno.ENOENT and "/" in program and os.path.exists(os.path.join(spec.cwd, program)):
        return f"The program “{program}” could not be started: the interpreter named in its first line was not found."
    return f"The program “{program}” {_REASONS_PROGRAM.get(number) or _otherwise(number)}."


def _otherwise(number: int) -> str:
    return f"could not be used: {os.strerror(number)}"


_REASONS_DIRECTORY = {
    errno.ENOENT: "was not found",
    errno.ENOTDIR: "is not a folder",
    errno.EACCES: "may not be entered",
    errno.EINVAL: "contains a character that is not allowed",
}
_REASONS_PROGRAM = {
    errno.ENOENT: "was not found",
    errno.ENOTDIR: "was not found",
    errno.EACCES: "is not executable",
    errno.ENOEXEC: "is not an executable file",
    errno.E2BIG: "could not be started: its arguments or its environment are too long",
    errno.EINVAL: "could not be started: its arguments or its environment contain a character that is not allowed",
    errno.ENOMEM: "could not be started: the machine has no memory left",
    errno.EAGAIN: "could not be started: the machine has no process left",
}
