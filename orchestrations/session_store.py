"""The engine of sessions (``SESSION_ENGINE``): Django's, with a hash for the key, encrypted, and found by person.

So who reads the database can neither take a session over nor read what it shows once.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY as USER
from django.contrib.sessions.backends import db
from django.utils import timezone

from orchestrations.lib.secrets import SecretUnreadable, decrypt_document, encrypt_document

_SCOPE = "session"


def hashed(session_key: str) -> str:
    return hashlib.blake2b(session_key.encode(), digest_size=20).hexdigest()


class SessionStore(db.SessionStore):
    """``seen_at``, ``address`` and ``agent`` are of the last request that was noted, and columns of the row."""

    seen_at: datetime | None = None
    address = ""
    agent = ""

    @classmethod
    def get_model_class(cls) -> Any:
        # Settings name this module before there are models.
        return apps.get_model("orchestrations", "Session")

    def load(self) -> dict[str, Any]:
        rows = self.model.objects.filter(session_key=hashed(self.session_key or ""), expire_date__gt=timezone.now())
        found: Any = rows.first()
        if found is None:
            self._session_key = None
            return {}
        self.seen_at, self.address, self.agent = found.seen_at, found.address, found.agent
        return dict(self.decode(found.session_data))

    def note(self, *, address: str, agent: str, seen_at: datetime) -> None:
        """Only what is noted is written: another request may be putting something into the session just now."""
        self.seen_at, self.address, self.agent = seen_at, address, agent
        rows: Any = self.model.objects.filter(session_key=hashed(self.session_key or ""))
        rows.update(seen_at=seen_at, address=address, agent=agent)

    def exists(self, session_key: str) -> bool:
        return bool(super().exists(hashed(session_key)))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row: Any = super().create_model_instance(data)
        row.session_key = hashed(row.session_key)
        row.user_id = int(data[USER]) if USER in data else None
        row.seen_at, row.address, row.agent = self.seen_at, self.address, self.agent
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            self.model.objects.filter(session_key=hashed(key)).delete()

    def encode(self, session_dict: dict[str, Any]) -> str:
        encoded = super().encode(session_dict)
        return str(encrypt_document({"#data": encoded}, _SCOPE, settings.ENCRYPTION_KEYS)["#data"])

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        try:
            document, _ = decrypt_document({"#data": session_data}, _SCOPE, settings.ENCRYPTION_KEYS)
        except SecretUnreadable:
            return {}
        return dict(super().decode(document["#data"]))
