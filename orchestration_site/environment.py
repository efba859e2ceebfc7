"""Reads the environment for ``settings``; nothing else reads it.

Every value is optional. A value that cannot be read is refused at start with the variable's name.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PREFIX = "TUTTI_"
YES = {"1", "true", "yes", "on"}
NO = {"0", "false", "no", "off"}
BASE_DIR = Path(__file__).resolve().parent.parent
DEFAULT_BIND = "127.0.0.1:8000"


def text(name: str, default: str = "") -> str:
    return os.environ.get(PREFIX + name, default).strip()


def flag(name: str, default: bool = False) -> bool:
    value = text(name).lower()
    if value in YES:
        return True
    if value in NO:
        return False
    if value:
        raise ImproperlyConfigured(f"{PREFIX}{name} must be yes or no, not {value!r}.")
    return default


def number(name: str, default: float, *, least: float = 0) -> float:
    value = text(name)
    try:
        result = float(value) if value else float(default)
    except ValueError:
        raise ImproperlyConfigured(f"{PREFIX}{name} must be a number, not {value!r}.") from None
    if not least <= result < float("inf"):
        raise ImproperlyConfigured(f"{PREFIX}{name} must be a number of at least {least:g}, not {value!r}.")
    return result


def whole(name: str, default: int, *, least: int = 0) -> int:
    result = number(name, default, least=least)
    if result != int(result):
        raise ImproperlyConfigured(f"{PREFIX}{name} must be a whole number, not {text(name)!r}.")
    return int(result)


def choice(name: str, default: str, choices: list[str]) -> str:
    value = text(name, default).upper()
    if value not in choices:
        raise ImproperlyConfigured(f"{PREFIX}{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """Comma-separated words."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def flag_or_words(name: str) -> bool | list[str]:
    """Yes, no, or comma-separated words for what is in between."""
    given = words(name)
    return given if given and text(name).lower() not in YES | NO else flag(name)


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """``host`` is "" when none is set up."""

    host: str
    port: int
    user: str
    password: str
    is_secure: bool
    """TLS from the first byte."""
    starts_tls: bool


def mail_server() -> MailServer:
    """Of ``SMTP_URL``: ``smtp://user:password@host:587?starttls=yes``, or ``smtps://host``."""
    url = text("SMTP_URL")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit("//"), None
    if url and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
        raise ImproperlyConfigured(f"{PREFIX}SMTP_URL must be smtp://HOST:PORT or smtps://HOST:PORT.")
    is_secure = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname or "",
        port=port or (465 if is_secure else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        is_secure=is_secure,
        starts_tls=not is_secure and parse_qs(parts.query).get("starttls", ["no"])[0].lower() in YES,
    )


def texts_by_name(name: str) -> dict[str, str]:
    """A JSON object of texts."""
    value = text(name)
    try:
        found = json.loads(value) if value else {}
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        # Not the value: it may hold credentials.
        raise ImproperlyConfigured(f"{PREFIX}{name} must be a JSON object of texts.")
    return found


def search_path() -> str:
    """Where components find commands: the one variable of ours that they see."""
    return os.environ.get("PATH", os.defpath)


def data_dir() -> Path:
    return Path(text("DATA") or BASE_DIR / "data").expanduser().resolve()


def bind() -> str:
    return text("BIND", DEFAULT_BIND)


def descriptor(name: str) -> int | None:
    """A file that the program which started this one left open for it."""
    value = text(name)
    return int(value) if value.isascii() and value.isdigit() else None


def admin_password() -> str:
    """Not stripped: blanks may belong to it."""
    return os.environ.get(PREFIX + "ADMIN_PASSWORD", "")


def database_url(data: Path) -> str:
    return os.environ.get("DATABASE_URL", "").strip() or f"sqlite:///{data / 'tutti.sqlite3'}"


def kept_secret(name: str, file: Path) -> str:
    """The secret from the environment, else from a file in the data folder that is made once.

    ``O_EXCL`` on a private name and an atomic link: two first starts at once end with one secret.
    """
    given = text(name)
    if given:
        return given
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, secrets.token_urlsafe(50).encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text().strip()
