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
NOT_STARTED = 127
HANDLED = (signal.SIGTERM, signal.SIGCHLD)  # must not reach the supervisor's handlers in the child


class Component:
    """A started child: `pid`, what it prints, and `failure`, a pipe that says why exec did not happen."""

    def __init__(self, spec: ProcessSpec) -> None:
        """OSError when the machine has no process or no descriptor left."""
        self.spec = spec
        self._open: list[int] = []
        try:
            self._start()
        except OSError:
            self.close()
            raise

    def _start(self) -> None:
        (self.stdout, out), (self.stderr, err), (self.failure, failed) = (self._pipe() for _ in range(3))
        supervisor = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _become(self.spec, supervisor, out, err, failed)
            kernel.choose_first_when_memory_runs_out(self.pid, OOM_SCORE)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for fd in (out, err, failed):
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

    def read_failure(self) -> str | None:
        """None: not known yet. Empty: the program runs (or has run). Else the sentence."""
        try:
            said = os.read(self.failure, 512).decode()
        except BlockingIOError:
            return None
        if not said:
            return ""
        step, number = said.split(" ")
        return explain(self.spec, step, int(number))


def _become(spec: ProcessSpec, supervisor: int, out: int, err: int, failed: int) -> None:
    """In the child: from here to execve() nothing may return, print or raise."""
    step = "exec"
    try:
        os.setsid()
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(NOT_STARTED)
        _connect(out, err)
        _limit_file_size(spec)
        step = "chdir"
        os.chdir(spec.cwd)
        step = "exec"
        _restore_signals()
        _execute(spec)
    except OSError as error:
        os.write(failed, f"{step} {error.errno}".encode())
    except (ValueError, TypeError, IndexError):
        os.write(failed, f"{step} {errno.EINVAL}".encode())
    finally:
        os._exit(NOT_STARTED)


def _connect(out: int, err: int) -> None:
    """Everything else closes itself on exec; the nursery has closed what it inherited."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(source, target)


def _limit_file_size(spec: ProcessSpec) -> None:
    if spec.disk_limit_bytes is not None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        most = spec.disk_limit_bytes + FILE_SIZE_SLACK_BYTES
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))


def _restore_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _execute(spec: ProcessSpec) -> None:
    program = spec.argv[0]
    if "/" in program:
        os.execve(program, spec.argv, spec.env)  # noqa: S606  no shell is what we want
    os.execvpe(program, spec.argv, spec.env)  # noqa: S606


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
