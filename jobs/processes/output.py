"""From what a component prints to lines of its job's log."""

from __future__ import annotations

import os
import time

from .masking import Masker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READ_BYTES = 32768
LINE_BYTES = 65536
TAIL_BYTES = 4096
UTF8_CONTINUATION = (0x80, 0xC0)


class LogFile:
    """
    `<unix seconds, 6 decimals>\\t<I|E>\\t<text>\\n` a line, up to a limit that holds for the whole file.

    A full disk loses lines, never the supervisor: what is there stays whole, and the gap is marked later.
    """

    def __init__(self, path: str, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._has_gap = False
        self.is_truncated = False
        self.size = 0
        self.fd = -1
        try:
            self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            self.size = os.fstat(self.fd).st_size
            if self.size and os.pread(self.fd, 1, self.size - 1) != b"\n":
                self._write(b"\n")  # the supervisor of an earlier attempt was killed while it wrote
        except OSError:
            self._has_gap = True

    def append(self, kind: str, lines: bytes) -> None:
        """`lines`: whole lines, each with its newline, of any bytes."""
        if self.is_truncated:
            return
        if self._has_gap and self._write(_as_log("E", "some lines are missing: the log could not be written\n")):
            self._has_gap = False
        data = _as_log(kind, lines.decode(errors="replace"))
        room = self._limit_bytes - self.size
        if len(data) > room:
            self.is_truncated = True
            data = data[: data.rfind(b"\n", 0, max(room, 0)) + 1]
            data += _as_log("E", f"log truncated: more than {self._limit_bytes} bytes\n")
        self._has_gap = not self._write(data) or self._has_gap

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)

    def _write(self, data: bytes) -> bool:
        """Either all of it, or none."""
        done = 0
        try:
            while done < len(data):
                done += os.write(self.fd, data[done:])
        except OSError:
            self._take_back()
            return False
        self.size += len(data)
        return True

    def _take_back(self) -> None:
        try:
            os.ftruncate(self.fd, self.size)
        except OSError:
            pass


def _as_log(kind: str, lines: str) -> bytes:
    prefix = f"{time.time():.6f}\t{kind}\t"
    return (prefix + lines[:-1].replace("\n", "\n" + prefix) + "\n").encode()


class Output:
    """One of stdout and stderr. Holds at most one unfinished line and the tail."""

    def __init__(self, fd: int, kind: str, secrets: list[str], append: Callable[[str, bytes], None]) -> None:
        self.fd = fd
        self.is_open = True
        self._kind = kind
        self._append = append
        self._masker = Masker(secrets)
        self._unfinished = b""
        self._ended_with_return = False
        self._tail = b""

    @property
    def tail(self) -> str:
        return self._tail[_boundary_after(self._tail, len(self._tail) - TAIL_BYTES) :].decode(errors="replace")

    def read(self) -> int:
        """How many bytes were there; 0 also when nothing is there now."""
        try:
            data = os.read(self.fd, READ_BYTES)
        except BlockingIOError:
            return 0
        except OSError:
            data = b""
        if data:
            self._take(self._masker.feed(data.replace(b"\0", b"")))
        else:
            self.is_open = False
        return len(data)

    def drain(self, most_bytes: int) -> None:
        """What is left in the pipe once every process that could write is dead."""
        while self.is_open and most_bytes > 0 and (got := self.read()):
            most_bytes -= got

    def finish(self) -> None:
        self._take(self._masker.finish())
        if self._unfinished:
            self._append(self._kind, self._unfinished + b"\n")
            self._unfinished = b""

    def _take(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-TAIL_BYTES - 4 :]
        data = self._unfinished + self._with_plain_newlines(data)
        end = data.rfind(b"\n") + 1
        lines, self._unfinished = data[:end], data[end:]
        if len(data) > LINE_BYTES:
            lines = b"".join(_pieces(line) + b"\n" for line in lines.split(b"\n")[:-1])
            *whole, self._unfinished = _pieces(self._unfinished).split(b"\n")
            lines += b"".join(line + b"\n" for line in whole)
        if lines:
            self._append(self._kind, lines)

    def _with_plain_newlines(self, data: bytes) -> bytes:
        """Progress bars end their lines with a bare carriage return; some programs write both."""
        if b"\r" not in data and not self._ended_with_return:
            return data
        if self._ended_with_return and data.startswith(b"\n"):
            data = data[1:]
            self._ended_with_return = False
        if data:
            self._ended_with_return = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _pieces(line: bytes) -> bytes:
    """A line without its newline, cut by newlines where it is too long."""
    pieces = []
    while len(line) > LINE_BYTES:
        at = _boundary_before(line, LINE_BYTES)
        pieces.append(line[:at])
        line = line[at:]
    return b"\n".join([*pieces, line])


def _boundary_before(data: bytes, at: int) -> int:
    """The last place not after `at` that is not inside a UTF-8 character."""
    for back in range(4):
        if at - back >= len(data) or data[at - back] & UTF8_CONTINUATION[1] != UTF8_CONTINUATION[0]:
            return at - back
    return at


def _boundary_after(data: bytes, at: int) -> int:
    at = max(at, 0)
    for forward in range(4):
        if at + forward >= len(data) or data[at + forward] & UTF8_CONTINUATION[1] != UTF8_CONTINUATION[0]:
            return at + forward
    return at
