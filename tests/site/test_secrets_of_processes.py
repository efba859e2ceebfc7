"""Secrets of a whole installation, run as processes: in no mail that it sends, no line that it writes, no file."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.clusters import wait_for
from tests.jobs.notifying.smtp import Postbox, listening, text_of
from tests.jobs.performing import python
from tests.site import launched
from tests.site.launched import Up

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    # Our mail server wants a password without TLS: it is one on loopback.
    pytest.mark.filterwarnings("ignore:Requiring AUTH"),
]

ADMIN = "root@example.org"
GIVEN = {
    "ADMIN_EMAIL": ADMIN,
    "ADMIN_PASSWORD": "chosen-2Wq-by-the-administrator",
    "SECRET_KEY": "signs-sessions-" + "5Tz" * 20,
    "ENCRYPTION_KEY": "encrypts-" + "8Kd" * 20,
}
SMTP_PASSWORD = "opens-4Rb-the-mail-server"
PASSWORD, IN_REQUEST = "sesame-7Kq-opens-the-warehouse", "sent-once-9Zx-with-the-job"
TALKS = """
import json, os, sys
parameters = json.load(open(os.path.join(os.environ["KBC_DATADIR"], "config.json")))["parameters"]
print(parameters["environment"]["#PASSWORD"], os.environ.get("PASSWORD"))
print("again:", parameters["environment"]["#PASSWORD"], file=sys.stderr)
sys.exit(1)
"""
REVEAL = """
from orchestrations import tokens
from orchestrations.models import Token
print(tokens.reveal(Token.objects.get(orchestration__isnull=False)))
"""


class Installation:
    """Used by its API; ``secrets`` are the texts that nobody else may see."""

    def __init__(self, up: Up, database: str) -> None:
        self.up, self.database = up, database
        self.token = self.command("create_token", "--project", "1", "--user", ADMIN)
        self.secrets = [self.token, PASSWORD, IN_REQUEST, SMTP_PASSWORD, *list(GIVEN.values())[1:]]

    def command(self, *words: str) -> str:
        ended = launched.run(*words, data=self.up.data, database=self.database, **GIVEN)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        headers = {"X-StorageApi-Token": token or self.token}
        answer = requests.request(method, f"{self.up.address}{path}", json=body, headers=headers, timeout=30)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def ended(self, job: dict[str, Any]) -> str:
        def status() -> str:
            found = self.call("GET", f"queue/jobs/{job['id']}")
            return str(found["status"]) if found["isFinished"] else ""

        return wait_for(status, what="the job has ended")


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, int]]:
    postbox = Postbox()
    with listening(postbox, user="tutti", password=SMTP_PASSWORD) as port:
        yield postbox, port


@pytest.fixture
def installation(tmp_path: Path, own_database: str, postbox: tuple[Postbox, int]) -> Iterator[Installation]:
    """Without a demo, and as talkative as it can be."""
    url = f"smtp://tutti:{SMTP_PASSWORD}@127.0.0.1:{postbox[1]}"
    talkative = {"LOG_LEVEL": "DEBUG", "ACCESS_LOG": "yes", "SMTP_URL": url}
    with launched.running(tmp_path / "data", "--no-demo", database=own_database, **GIVEN, **talkative) as up:
        yield Installation(up, own_database)


def test_secrets_stand_in_no_mail_no_output_and_no_file(
    installation: Installation, postbox: tuple[Postbox, int], tmp_path: Path
) -> None:
    run = build_orchestration(installation)
    installation.secrets.append(installation.command("shell", "-v", "0", "-c", REVEAL))
    trigger = {"description": "Caller", "componentAccess": ["keboola.orchestrator"]}
    caller = installation.call("POST", "v2/storage/tokens", trigger)["token"]
    installation.secrets.append(caller)

    started = installation.call("POST", "queue/jobs", {"component": "keboola.orchestrator", "config": run}, caller)
    assert installation.ended(started) == "error"
    data = {"parameters": {"command": python(TALKS), "environment": {"#PASSWORD": IN_REQUEST}}}
    assert installation.ended(installation.call("POST", "queue/jobs", {"component": "command", "configData": data}))
    mails = wait_for(lambda: postbox[0].mails[:2] if len(postbox[0].mails) > 1 else [], what="a mail about each")
    assert installation.up.end(signal.SIGTERM) == 0

    places = {f"the mail to {mail['To']}": text_of(mail) for mail in mails}
    assert all("again: *****" in text for text in places.values())
    places |= {"the output": installation.up.output}
    places |= {str(file): file.read_bytes().decode("utf-8", "replace") for file in files(tmp_path)}
    assert "again: *****" not in installation.up.output, "the log of a job is not the log of the processes"
    found = {(secret[-12:], place) for secret in installation.secrets for place in places if secret in places[place]}
    assert len(installation.secrets) == 9 and all(map(len, installation.secrets))
    assert found == set()


# --- Private -----------------------------------------------------------------------------------


def build_orchestration(installation: Installation) -> str:
    """Its task says its secret aloud and fails; a list is told."""
    parameters = {"command": python(TALKS), "environment": {"#PASSWORD": PASSWORD}}
    configs = "v2/storage/components/{}/configs"
    content = {"name": "Talks", "configuration": {"parameters": parameters}}
    talks = installation.call("POST", configs.format("command"), content)["id"]
    task = {"id": 1, "name": "Talks", "phase": 1, "enabled": True}
    document = {
        "phases": [{"id": 1, "name": "Only"}],
        "tasks": [{**task, "task": {"componentId": "command", "configId": talks, "mode": "run"}}],
    }
    content = {"name": "Daily", "configuration": document}
    run = str(installation.call("POST", configs.format("keboola.orchestrator"), content)["id"])
    wanted = {
        "event": "job-failed",
        "filters": [{"field": "job.configuration.id", "value": run}],
        "recipient": {"channel": "email", "address": "list@example.org"},
    }
    installation.call("POST", "notification/project-subscriptions", wanted)
    return run


def files(folder: Path) -> Iterator[Path]:
    """Everything that is written down, the database with it."""
    return (path for path in folder.rglob("*") if path.is_file())
