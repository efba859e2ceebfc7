"""Which database is meant: by its parts, or by one URL as SQLAlchemy has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from jobs.components.shared.errors import UserError


@dataclass(frozen=True)
class System:
    """``name``: of the dialect of SQLAlchemy, ``title``: for people, ``port``: where such a server usually listens."""

    name: str
    title: str
    driver: str
    port: int | None = None


POSTGRESQL = System("postgresql", "PostgreSQL", "psycopg", 5432)
MARIADB = System("mysql", "MariaDB", "pymysql", 3306)
SQLITE = System("sqlite", "SQLite", "pysqlite")
BY_NAME = {
    "postgresql": POSTGRESQL,
    "postgres": POSTGRESQL,
    "mariadb": MARIADB,
    "mysql": MARIADB,
    "sqlite": SQLITE,
}
# Others name files of this machine, sockets and programs: that is not for a configuration to say.
OPTIONS = {
    POSTGRESQL: {"sslmode", "connect_timeout", "application_name", "options"},
    MARIADB: {"charset", "connect_timeout"},
    SQLITE: set[str](),
}


@dataclass(frozen=True)
class Address:
    """``file``: of SQLite, as it was given. ``title``: how messages call the database, never with its password."""

    system: System
    url: URL
    is_encrypted: bool = False

    @property
    def file(self) -> Path:
        return Path(self.url.database or "")

    @property
    def password(self) -> str:
        return str(self.url.password or "")

    @property
    def title(self) -> str:
        if self.system is SQLITE:
            return f"the SQLite file {self.file}"
        host = f"[{self.url.host}]" if ":" in (self.url.host or "") else self.url.host
        return f"{self.system.title} at {host}:{self.url.port}, database {self.url.database}"


def of(parameters: Mapping[str, Any]) -> Address:
    """Raises UserError."""
    given = str(parameters.get("#url") or "").strip()
    url = _read(given) if given else _from_parts(parameters)
    system = BY_NAME.get(url.get_backend_name())
    if system is None:
        raise UserError(
            f"#url: databases of the kind {url.get_backend_name()!r} cannot be reached; "
            "it begins with postgresql://, mariadb:// or sqlite:///."
        )
    unknown = sorted(set(url.query) - OPTIONS[system])
    if unknown:
        raise UserError(f"#url: the option {unknown[0]!r} cannot be given.")
    url = url.set(drivername=f"{system.name}+{system.driver}")
    if system is SQLITE:
        return Address(system, _required(url, "database", "file"))
    _check_host(url.host)
    url = _required(_required(url, "host", "host"), "database", "database")
    return Address(system, url.set(port=url.port or system.port), bool(parameters.get("is_encrypted")))


def _read(given: str) -> URL:
    try:
        return make_url(given)
    except (ArgumentError, ValueError):
        # Without the cause: its text repeats the URL.
        raise UserError("#url: cannot be read; it looks like postgresql://user:password@host:5432/database.") from None


def _from_parts(parameters: Mapping[str, Any]) -> URL:
    system = BY_NAME[parameters["system"]]
    if system is SQLITE:
        return URL.create(system.name, database=parameters.get("file"))
    return URL.create(
        system.name,
        username=parameters.get("user") or None,
        password=parameters.get("#password") or None,
        host=(parameters.get("host") or "").strip() or None,
        port=parameters.get("port"),
        database=parameters.get("database") or None,
    )


def _required(url: URL, part: str, field: str) -> URL:
    if not getattr(url, part):
        raise UserError(f"{field}: is missing.")
    return url


def _check_host(host: str | None) -> None:
    # A path is a socket of this machine, where a server may take the word of the system for who we are.
    if host and (host.startswith(("/", "@")) or "," in host):
        raise UserError(f"host: {host!r} is not the name or the address of a machine.")
