"""The component `http-request`: one request to a server, and maybe many more until what it started is done."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from urllib3.response import BaseHTTPResponse

from jobs.components.http_request import polling
from jobs.components.http_request.answers import Answer
from jobs.components.http_request.options import Options, Output
from jobs.components.shared import programs
from jobs.components.shared.clock import Clock
from jobs.components.shared.data_folder import DataFolder
from jobs.components.shared.errors import UserError
from jobs.components.shared.http import permissions
from jobs.components.shared.http.client import Call, Client, for_url
from jobs.components.shared.http.failures import shown
from jobs.components.shared.manifests import OutputManifest
from jobs.components.shared.progress import Progress


def main(folder: DataFolder) -> None:
    options = Options.read(folder.parameters)
    clock = Clock()
    client = Client(permissions.of_this_job(), clock, options.timeout_seconds, options.retries)
    answer = _ask(client, options.call, options)
    if options.polling is not None:
        reading = replace(options.call, method="GET", body=None)

        def ask(url: str) -> Answer:
            return _ask(client, for_url(reading, url), options)

        answer = polling.wait_until_done(answer, options.polling, ask, clock, Progress())
    values = {name: answer.value(path, steps) for name, (path, steps) in options.values.items()}
    for name, value in values.items():
        print(f"{name}: {value}")
    if not values and answer.body:
        print(answer.shown_text)
    if options.output is not None:
        _write(folder, options.output, answer, values)


def _ask(client: Client, call: Call, options: Options) -> Answer:
    def read(response: BaseHTTPResponse, url: str) -> Answer:
        answer = Answer.read(response, url)
        if not (answer.status in options.expected if options.expected else 200 <= answer.status < 300):
            failure = client.refused(response, url)
            # A server's own words say most about what is wrong with a request.
            raise failure if failure.may_pass else UserError(" ".join([str(failure), answer.shown_text]).strip())
        return answer

    answer = client.fetch(call, read)
    print(f"{call.method} {shown(call.url)}: {answer.status}.")
    return answer


def _write(folder: DataFolder, output: Output, answer: Answer, values: dict[str, str]) -> None:
    """A table of one row."""
    row = {
        "answered_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "status": str(answer.status),
        **(values or {"body": answer.text}),
    }
    name = f"{output.table}.csv"
    with (folder.out_tables / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([row.keys(), row.values()])
    manifest = OutputManifest(output.destination, output.primary_key, output.incremental)
    folder.write_manifest(name, manifest)


if __name__ == "__main__":
    programs.run(main)
