"""After a world with secrets of every kind has been lived in, none of them stands anywhere in clear (DESIGN §8)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import Job, LogChunk
from jobs.notifying import delivering, expanding
from orchestrations import subscribing, tokens
from orchestrations.models import Channel, Configuration, Project, Subscription, Token, User
from orchestrations.session_store import SessionStore
from tests import builders
from tests.api.conftest import Api, api_of
from tests.builders import NOW
from tests.jobs.notifying.smtp import Postbox, running, text_of
from tests.jobs.performing import Performer, python
from tests.pages.conftest import log_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PASSWORD = "sesame-7Kq-opens-the-warehouse"
IN_REQUEST = "sent-once-9Zx-with-the-job"
TALKS = """
import json, os, sys
parameters = json.load(open(os.path.join(os.environ["KBC_DATADIR"], "config.json")))["parameters"]
print(parameters["environment"]["#PASSWORD"], os.environ.get("PASSWORD"))
print("again:", parameters["environment"]["#PASSWORD"], file=sys.stderr)
sys.exit(1)
"""


@pytest.fixture
def performer(db: None) -> Iterator[Performer]:
    performer = Performer()
    yield performer
    performer.worker.nursery.close()


@pytest.fixture
def configuration(project: Project) -> Configuration:
    parameters = {"command": python(TALKS), "environment": {"#PASSWORD": PASSWORD}}
    return builders.build_configuration(project, document={"parameters": parameters})


def test_secrets_stand_nowhere_in_clear(
    project: Project,
    alice: User,
    configuration: Configuration,
    performer: Performer,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    settings: Any,
) -> None:
    caplog.set_level(logging.DEBUG)
    api, client = api_of(project, alice), log_in(alice)
    path = f"/v2/storage/components/command/configs/{configuration.key}"
    run = builders.build_orchestration(project, [builders.task(configuration)])
    # The one answer that tells a secret: who makes a webhook gets what its signatures are checked with.
    assert "whsec_" in answer(api, "POST", "/notification/project-subscriptions", webhook(run))
    answers = [
        client.post(reverse("token-new", args=[project.pk]), {"kind": "own", "description": "Mine"}).content.decode(),
        answer(api, "PUT", path, {"configuration": changed(configuration)}),
        answer(api, "POST", "/queue/jobs", with_secret(configuration)),
        answer(api, "POST", "/queue/jobs", {"component": "command", "configData": "nonsense " + IN_REQUEST}),
    ]
    shown_once = [
        value["text"] for value in sessions_of(client).values() if isinstance(value, dict) and "text" in value
    ]
    performer.perform()
    answers.append(answer(api, "POST", "/queue/jobs", {"component": "keboola.orchestrator", "config": run.key}))
    performer.perform()
    expanding.expand(now=NOW)
    with running(settings, Postbox()) as postbox:
        delivering.deliver(Channel.EMAIL, clock=timezone.now)
    assert {str(mail["To"]) for mail in postbox.mails} == {alice.email}
    assert LogChunk.objects.filter(text__contains="again: *****").exists()

    own = Token.objects.get(orchestration=run)
    secrets = [PASSWORD, IN_REQUEST, api.text, tokens.reveal(own), *shown_once]
    secrets += [subscribing.secret_of(each) for each in Subscription.objects.exclude(encrypted_secret="")]
    assert len(secrets) == 6
    answers += [answer(api, "GET", address) for address in addresses(path, run)]
    answers += [client.get(address).content.decode() for address in pages(project, configuration, run)]

    places = {
        **{f"answer {number}": text for number, text in enumerate(answers)},
        "tables": "\n".join(dumped()),
        **{f"mail {number}": text_of(mail) for number, mail in enumerate(postbox.mails)},
        "log": caplog.text,
        "output": "".join(capfd.readouterr()),
        "files": "\n".join(files(Path(settings.DATA_DIR))),
    }
    assert {(secret[-12:], place) for secret in secrets for place, text in places.items() if secret in text} == set()


def changed(configuration: Configuration) -> dict[str, Any]:
    """A new version, with the secret given anew and once as text that only looks like one."""
    return {**configuration.document, "parameters": {**configuration.document["parameters"], "timeout_seconds": 60}}


def with_secret(configuration: Configuration) -> dict[str, Any]:
    parameters = {"command": python(TALKS), "environment": {"#PASSWORD": IN_REQUEST}}
    return {"component": "command", "config": configuration.key, "configData": {"parameters": parameters}}


def webhook(run: Configuration) -> dict[str, Any]:
    return {
        "event": "job-failed",
        "filters": [{"field": "job.configuration.id", "value": run.key}],
        "recipient": {"channel": "webhook", "url": "https://hooks.example.org/x"},
    }


def answer(api: Api, method: str, path: str, body: Any = None) -> str:
    text: str = api.call(method, path, body).content.decode()
    return text


def addresses(path: str, run: Configuration) -> list[str]:
    jobs = [f"/queue/jobs/{job.pk}" for job in Job.objects.all()]
    of_runs = [f"/v2/storage/components/keboola.orchestrator/configs/{run.key}/versions?include=configuration"]
    return [
        path,
        f"{path}/versions?include=configuration",
        f"{path}/versions/1",
        "/v2/storage/tokens",
        "/v2/storage/events",
        "/v2/storage/components?include=configuration,state",
        "/queue/search/jobs",
        "/notification/project-subscriptions",
        *jobs,
        *of_runs,
    ]


def pages(project: Project, configuration: Configuration, run: Configuration) -> list[str]:
    of_project = ["dashboard", "jobs", "orchestrations", "trash", "notifications", "members", "project-settings"]
    found = [reverse(name, args=[project.pk]) for name in of_project]
    found += [reverse("configuration", args=[project.pk, configuration.pk])]
    found += [reverse("versions", args=[project.pk, configuration.pk])]
    found += [reverse("orchestration", args=[project.pk, run.pk]), reverse("profile")]
    found += [reverse("job", args=[project.pk, job.pk]) for job in Job.objects.all()]
    return found


def dumped() -> Iterator[str]:
    """Every value of every table, as the database holds it."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield from (value for value in row if isinstance(value, str))
                yield from (
                    bytes(value).decode("utf-8", "replace") for value in row if isinstance(value, bytes | memoryview)
                )


def files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and "sqlite" not in path.name:
            yield path.read_bytes().decode("utf-8", "replace")


def sessions_of(client: Client) -> dict[str, Any]:
    return dict(SessionStore(client.cookies["sessionid"].value).items())
