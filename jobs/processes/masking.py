"""Replaces secrets in a stream of bytes, also where a secret is spread over several reads."""

from __future__ import annotations

MASK = b"*****"


class Masker:
    """
    Holds back the end of what it was fed while that could be the beginning of a secret, so at most one secret's length.

    Overlapping secrets are masked as one; nothing of either stays.
    """

    def __init__(self, secrets: list[str]) -> None:
        found = {secret.replace("\0", "").encode(errors="replace") for secret in secrets if secret.strip()}
        self._secrets = sorted(secret for secret in found if secret)
        self._longest = max(map(len, self._secrets), default=0)
        self._held = b""
        self._covered = 0  # so many bytes of _held belong to a secret whose mask was given out already

    @property
    def held_bytes(self) -> int:
        return len(self._held)

    def feed(self, data: bytes) -> bytes:
        if not self._secrets:
            return data
        data = self._held + data
        end = self._beginning_of_a_secret(data)
        return self._give_out(data, end)

    def finish(self) -> bytes:
        return self._give_out(self._held, len(self._held))

    def _beginning_of_a_secret(self, data: bytes) -> int:
        """Where the longest end of `data` starts that is the beginning, not the whole, of a secret."""
        earliest = len(data)
        for secret in self._secrets:
            position = data.find(secret[:1], max(0, len(data) - len(secret) + 1))
            while 0 <= position < earliest:
                if secret.startswith(data[position:]):
                    earliest = position
                position = data.find(secret[:1], position + 1)
        return earliest

    def _give_out(self, data: bytes, end: int) -> bytes:
        """Everything before `end`, masked; the rest is held."""
        pieces: list[bytes] = []
        position = 0
        covered = 0
        for start, stop in self._spans(data):
            is_masked_already = start == 0 and self._covered > 0
            if start >= end and not is_masked_already:
                break
            pieces.append(data[position:start])
            pieces.append(b"" if is_masked_already else MASK)
            position = min(stop, end)
            covered = max(0, stop - end)
        pieces.append(data[position:end])
        self._held, self._covered = data[end:], covered
        return b"".join(pieces)

    def _spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where secrets are, overlapping ones joined, in order."""
        spans = [(0, self._covered)] if self._covered else []
        for secret in self._secrets:
            position = data.find(secret)
            while position >= 0:
                spans.append((position, position + len(secret)))
                position = data.find(secret, position + 1)
        if len(spans) < 2:
            return spans
        joined: list[tuple[int, int]] = []
        for start, stop in sorted(spans):
            if joined and start < joined[-1][1]:
                joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
            else:
                joined.append((start, stop))
        return joined
