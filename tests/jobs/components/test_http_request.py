"""The component `http-request`: what is sent, what is made of the answer, and polling."""

import csv
import gzip
import json
from typing import Any

import pytest

from jobs.components.http_request import json_paths
from jobs.components.shared.errors import UserError
from tests.jobs.components.data_folders import JobFolder, Ran, told
from tests.jobs.components.web import Reply, Web


def ask(job: JobFolder, url: str, **given: Any) -> Ran:
    return job.run("http-request", {"url": url, **given})


def answer(**members: Any) -> Reply:
    return Reply(json.dumps(members).encode())


DOCUMENT = {"jobs": [{"id": 7, "odd.name": "x"}, {"id": 8}], "empty": None, "": {"a]": True}}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", DOCUMENT),
        (" $.jobs[0].id ", 7),
        ("$.jobs[-1].id", 8),
        ("$['jobs'][0]['odd.name']", "x"),
        ('$.jobs[0]["odd.name"]', "x"),
        ("$['']['a]']", True),
        ("$.empty", None),
        ("$.jobs[2]", json_paths.MISSING),
        ("$.jobs.id", json_paths.MISSING),
        ("$.jobs[0][0]", json_paths.MISSING),
        ("$.empty.more", json_paths.MISSING),
    ],
)
def test_a_path_leads_to_one_value_or_to_none(path: str, found: Any) -> None:
    assert json_paths.find(DOCUMENT, json_paths.parse(path, "values.a")) == found


@pytest.mark.parametrize("path", ["", "jobs", "$jobs", "$.", "$..id", "$.jobs[*]", "$.jobs[", "$[?(@.a)]", "$.a b"])
def test_what_is_no_path_is_told_with_its_field(path: str) -> None:
    with pytest.raises(UserError, match=r"^values\.a: .* is not a JSON path such as"):
        json_paths.parse(path, "values.a")


def test_a_request_is_sent_as_it_is_described(job: JobFolder, web: Web) -> None:
    url = web.on("/jobs?a=1", Reply(b"Created.", status=201))

    ran = ask(
        job,
        url,
        method="POST",
        query={"#key": "a b&c", "page": "č"},
        headers={"X-Plain": "1", "#X-Key": "hidden", "content-type": "application/vnd.acme+json"},
        authentication={"method": "bearer", "#token": "abc"},
        body={"json": {"name": "č", "#password": "hidden", "list": [{"#x": 1}]}},
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"POST {web.url('/jobs')}?…: 201.\nCreated.\n"
    (asked,) = web.asked
    assert (asked.method, asked.path) == ("POST", "/jobs?a=1&key=a+b%26c&page=%C4%8D")
    assert json.loads(asked.body) == {"name": "č", "password": "hidden", "list": [{"x": 1}]}
    assert {name: asked.headers[name] for name in ("x-key", "authorization", "content-type")} == {
        "x-key": "hidden",
        "authorization": "Bearer abc",
        "content-type": "application/vnd.acme+json",
    }


def test_text_is_a_body_too_but_not_both(job: JobFolder, web: Web) -> None:
    url = web.on("/form", Reply())

    ask(job, url, method="PUT", body={"text": "a=1", "content_type": "application/x-www-form-urlencoded"})
    both = ask(job.following("second"), url, body={"text": "a", "json": None})

    assert web.asked[0].body == b"a=1"
    assert web.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert told(both) == "body: give JSON or text, not both."


def test_the_expected_status_decides(job: JobFolder, web: Web) -> None:
    url = web.on("/jobs", Reply(b'{"error": "no such table"}', status=404))

    unexpected = ask(job, url, method="DELETE")
    expected = ask(job.following("second"), url, expected_status=[200, 404])

    assert told(unexpected) == f'{url}: the server answered 404 Not Found. {{"error": "no such table"}}'
    assert expected.returncode == 0


def test_a_post_is_repeated_only_when_nothing_was_done(job: JobFolder, web: Web) -> None:
    refusing = web.on("/refusing", Reply(status=429), Reply(status=503, headers={"Retry-After": "3"}), Reply())
    failing = web.on("/failing", Reply(status=500), Reply())
    dropping = web.on("/dropping", Reply(b"x", resets=True, sent=0), Reply())

    assert ask(job, refusing, method="POST").returncode == 0
    for number, url in enumerate((failing, dropping)):
        sentence = told(ask(job.following(f"job-{number}"), url, method="POST"))
        assert sentence.endswith("It is not known what a POST did there, so it is not tried again.")
    assert ask(job.following("put"), web.on("/failing", Reply(status=500), Reply()), method="PUT").returncode == 0


def test_values_go_to_the_log_and_into_a_table_of_one_row(job: JobFolder, web: Web) -> None:
    body = gzip.compress(json.dumps({"rows": 5, "parts": [1, "č"], "note": None}).encode())
    url = web.on("/result", Reply(body, headers={"Content-Encoding": "gzip"}))
    values = {"rows": "$.rows", "parts": "$.parts", "note": "$.note"}

    ran = ask(job, url, values=values, output={"table": "answers", "incremental": True, "primary_key": ["rows"]})

    assert ran.stdout.splitlines()[1:] == ["rows: 5", 'parts: [1, "č"]', "note: "]
    names, row = csv.reader((job.out_tables / "answers.csv").read_text(encoding="utf-8").splitlines())
    assert names == ["answered_at", "status", "rows", "parts", "note"]
    assert row[1:] == ["200", "5", '[1, "č"]', ""]
    assert job.manifest("answers.csv")["primary_key"] == ["rows"]


def test_without_values_the_table_holds_the_answer(job: JobFolder, web: Web) -> None:
    ran = ask(job, web.on("/result", Reply(b"done")), output={"table": "out.c-x.answers"})

    assert ran.returncode == 0, ran.stderr
    assert (job.out_tables / "out.c-x.answers.csv").read_text().splitlines()[1].endswith(",200,done")
    assert job.manifest("out.c-x.answers.csv")["destination"] == "out.c-x.answers"


def test_a_missing_value_and_an_answer_that_is_no_json_are_told(job: JobFolder, web: Web) -> None:
    missing, text = web.on("/missing", answer(rows=1)), web.on("/text", Reply(b"<html>"))

    first = ask(job, missing, values={"id": "$.id"})
    second = ask(job.following("second"), text, values={"id": "$.id"})

    assert told(first) == f"{missing}: there is no $.id in the answer."
    assert told(second) == f"{text}: the answer is not JSON."


def test_a_long_answer_is_shortened_in_the_log_and_too_long_a_one_refused(job: JobFolder, web: Web) -> None:
    long = ask(job, web.on("/long", Reply(b"x" * 5000)))
    endless = ask(job.following("second"), web.on("/endless", Reply(b"x" * 10_000_001)))

    assert long.stdout.endswith("xxx … (5000 bytes)\n")
    assert told(endless).endswith("/endless: the answer is longer than 10000000 bytes.")


POLLING = {"field": "$.status", "done_values": ["done", "true"], "failed_values": ["error"]}


def test_it_asks_again_until_it_is_done(job: JobFolder, web: Web) -> None:
    start = web.on("/jobs", answer(id="a/b", status="waiting"))
    web.on("/jobs/a%2Fb", answer(), answer(status="running"), answer(status="running"), answer(status="done", rows=5))

    ran = ask(
        job,
        start,
        method="POST",
        headers={"#X-Key": "hidden"},
        body={"json": {}},
        polling={**POLLING, "address": "/jobs/{$.id}"},
        values={"rows": "$.rows"},
    )

    assert ran.returncode == 0, ran.stderr
    assert [(each.method, each.path) for each in web.asked] == [("POST", "/jobs"), *[("GET", "/jobs/a%2Fb")] * 4]
    assert {each.headers["x-key"] for each in web.asked} == {"hidden"}
    assert web.asked[1].body == b""
    assert "$.status is 'running'.\n" in ran.stdout
    assert ran.stdout.count("'running'") == 1
    assert ran.stdout.endswith("rows: 5\n")


def test_the_address_may_be_the_location_the_same_or_a_whole_one_of_the_answer(job: JobFolder, web: Web) -> None:
    web.on("/jobs/1", answer(status=True))
    located = web.on("/located", Reply(b"{}", status=202, headers={"Location": "/jobs/1"}))
    same = web.on("/same", answer(status=None), answer(status="done"))
    linked = web.on("/linked", answer(links=[{"href": web.url("/jobs/1")}]))

    ends = [
        ask(job, located, method="POST", polling=POLLING),
        ask(job.following("same"), same, polling=POLLING),
        ask(job.following("linked"), linked, polling={**POLLING, "address": "{$.links[0].href}"}),
    ]

    assert [ran.returncode for ran in ends] == [0, 0, 0]
    assert web.paths() == ["/located", "/jobs/1", "/same", "/same", "/linked", "/jobs/1"]


def test_another_server_that_the_answer_names_is_told_no_secret(job: JobFolder, web: Web) -> None:
    web.on("/jobs/1", answer(status="done"))
    linked = web.on("/linked", answer(href=f"http://localhost:{web.port}/jobs/1"))
    given = {"authentication": {"method": "bearer", "#token": "abc"}, "headers": {"#X-Key": "hidden"}}

    ran = ask(job, linked, polling={**POLLING, "address": "{$.href}"}, **given)

    assert ran.returncode == 0, ran.stderr
    assert not {"authorization", "x-key"} & set(web.asked[1].headers)


def test_an_answer_cannot_send_it_to_a_private_address(job: JobFolder, web: Web) -> None:
    linked = web.on("/linked", answer(href="http://169.254.169.254/latest/meta-data"))

    sentence = told(ask(job, linked, polling={**POLLING, "address": "{$.href}"}))

    assert sentence.startswith("169.254.169.254 is a private address")


def test_a_failure_and_the_time_limit_end_it(job: JobFolder, web: Web) -> None:
    failing = web.on("/failing", answer(status="running"), answer(status="error", why="disk full"))
    slow = web.on("/slow", Reply(b'{"status": "running"}', headers={"Retry-After": "60"}))

    failed = told(ask(job, failing, polling=POLLING))
    late = told(ask(job.following("slow"), slow, polling={**POLLING, "limit_seconds": 200}))

    assert failed == f'{failing}: $.status is \'error\'. The answer: {{"status": "error", "why": "disk full"}}'
    assert late == f"{slow}: not done within 200 s; $.status is still 'running'."
    assert web.paths().count("/slow") == 4
    assert job.progress()["text"] == "Waiting: $.status is 'running'"


def test_polling_needs_to_know_when_it_is_done(job: JobFolder, web: Web) -> None:
    ran = ask(job, web.on("/jobs", answer()), polling={"field": "$.status"})

    assert told(ran) == "polling.done_values: is needed to know when it is done."
    assert web.asked == []
