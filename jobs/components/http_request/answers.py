"""What a server answered, read whole: answers of this component are small."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from urllib3.response import BaseHTTPResponse

from jobs.components.http_request import json_paths
from jobs.components.shared.errors import UserError
from jobs.components.shared.http.failures import shown

LIMIT_BYTES = 10_000_000
SHOWN_CHARACTERS = 2000


@dataclass(frozen=True)
class Answer:
    url: str
    status: int
    location: str
    retry_after_seconds: float
    body: bytes

    @classmethod
    def read(cls, response: BaseHTTPResponse, url: str) -> Answer:
        """Raises UserError."""
        body = b""
        for chunk in response.stream(1 << 16, decode_content=True):
            body += chunk
            if len(body) > LIMIT_BYTES:
                raise UserError(f"{shown(url)}: the answer is longer than {LIMIT_BYTES} bytes.")
        after = response.headers.get("Retry-After", "")
        return cls(
            url, response.status, response.headers.get("Location", ""), float(after) if after.isdigit() else 0, body
        )

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    @property
    def shown_text(self) -> str:
        text = self.text.strip()
        return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} … ({len(self.body)} bytes)"

    @cached_property
    def document(self) -> Any:
        """Raises UserError."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{shown(self.url)}: the answer is not JSON.") from error

    def value(self, path: str, steps: list[str | int]) -> str:
        """Raises UserError."""
        found = json_paths.find(self.document, steps)
        if found is json_paths.MISSING:
            raise UserError(f"{shown(self.url)}: there is no {path} in the answer.")
        return json_paths.as_text(found)
