"""What ``up`` is asked for, and the environment that its services get from it."""

from __future__ import annotations

import argparse
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from orchestration_site import environment


class Refused(Exception):
    """Tutti cannot start; the sentence is for the person at the terminal."""


@dataclass(frozen=True, kw_only=True)
class Options:
    host: str
    port: int
    data: Path
    workers: int | None
    demo: bool

    @property
    def is_public(self) -> bool:
        return not is_loopback(self.host)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bind", metavar="HOST:PORT", help=f"address of the pages (TUTTI_BIND, {environment.DEFAULT_BIND})"
    )
    parser.add_argument(
        "--data", metavar="DIR", help="database, keys and job folders (TUTTI_DATA, data/ beside manage.py)"
    )
    parser.add_argument("--workers", metavar="N", type=int, help="component jobs at once (TUTTI_WORKERS, 4)")
    parser.add_argument("--no-demo", action="store_true", help="a first start makes an empty project, not the demo")


def read(arguments: argparse.Namespace) -> Options:
    """Raises Refused."""
    try:
        host, port = parse_bind(arguments.bind or environment.bind())
        data = Path(arguments.data).expanduser().resolve() if arguments.data else environment.data_dir()
    except ImproperlyConfigured as error:
        raise Refused(str(error)) from error
    if arguments.workers is not None and arguments.workers < 1:
        raise Refused("--workers must be at least 1.")
    return Options(host=host, port=port, data=data, workers=arguments.workers, demo=not arguments.no_demo)


def parse_bind(text: str) -> tuple[str, int]:
    """``127.0.0.1:8000``, ``[::1]:8000``, ``name:8000``. Raises Refused."""
    host, colon, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise Refused(f"--bind must be HOST:PORT, for example {environment.DEFAULT_BIND}, not {text!r}.")
    return host, int(port)


def is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def page_url(host: str, port: int) -> str:
    """What a person on this machine types into the browser."""
    public = environment.text("PUBLIC_URL").rstrip("/")
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared, not bound)
    return f"{public or 'http://' + address(name, port)}/"


def build_environment(options: Options, port: int) -> dict[str, str]:
    """Of the services: what the command line says stands above what the environment said."""
    result = dict(os.environ)
    result.setdefault("DJANGO_SETTINGS_MODULE", "orchestration_site.settings")
    result["TUTTI_DATA"] = str(options.data)
    result["TUTTI_BIND"] = address(options.host, port)
    if options.workers is not None:
        result["TUTTI_WORKERS"] = str(options.workers)
    if options.is_public and not environment.text("ALLOWED_HOSTS"):
        result["TUTTI_ALLOWED_HOSTS"] = ",".join(_own_names(options.host))
    return result


def _own_names(host: str) -> list[str]:
    """The names under which this machine is likely to be asked: never all of them, that would open host attacks."""
    name = socket.gethostname()
    names = ["localhost", "127.0.0.1", "[::1]", name.lower(), socket.getfqdn(name).lower()]
    if host not in {"0.0.0.0", "::"}:  # noqa: S104 (compared, not bound)
        names.append(f"[{host}]" if ":" in host else host)
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError:
        found = set()
    names += [f"[{each}]" if ":" in each else each for each in sorted(found)]
    return list(dict.fromkeys(names))
