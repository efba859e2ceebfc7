"""A CSV goes into a table, and a table comes out as one: what is kept, refused, handed to the job, and given back."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from jobs import preparing, storing, terminating
from jobs.models import Job
from jobs.states import JobStatus
from orchestrations import access
from orchestrations.access import Actor, Denied
from orchestrations.models import Project, User
from tests import builders
from tests.pages.world import World

pytestmark = pytest.mark.django_db

PEOPLE = b"id;name\r\n1;Jo\r\n2;Zo\xc3\xab\r\n"


@pytest.fixture
def url(world: World) -> str:
    return reverse("bucket-upload", args=[world.project.pk, "in.c-shop"])


@pytest.fixture
def table_url(world: World) -> str:
    return reverse("table-upload", args=[world.project.pk, "in.c-shop.orders"])


def csv_of(content: bytes, name: str = "people 2026.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/csv")


def manifest_of(job: Job) -> dict[str, Any]:
    return dict(job.request["configData"]["parameters"]["manifest"])


def left_behind(settings: Any) -> list[Path]:
    return list(Path(settings.DATA_DIR).glob("projects/*/uploads/*"))


def last_job() -> Job:
    return Job.objects.latest("pk")


def test_a_file_is_kept_for_the_job_that_loads_it(url: str, world: World, as_alice: Client, settings: Any) -> None:
    response = as_alice.post(url, {"file": csv_of(PEOPLE), "primary_key": "ID", "has_header": "on"})

    job = last_job()
    kept = Path(settings.DATA_DIR) / "projects" / str(world.project.pk) / "uploads"
    assert response["Location"] == reverse("job", args=[world.project.pk, job.pk])
    assert job.name == "Upload to in.c-shop.people-2026"
    assert [file.read_bytes() for file in kept.iterdir() if file.suffix != ".part"] == [PEOPLE]
    assert manifest_of(job) | {"enclosure": ""} == {
        "incremental": False,
        "primary_key": ["ID"],
        "columns": [],
        "delimiter": ";",
        "enclosure": "",
    }
    assert len(left_behind(settings)) == 1


def test_rows_are_added_by_the_key_that_the_table_has(table_url: str, as_alice: Client) -> None:
    as_alice.post(table_url, {"file": csv_of(b"3,1.00,x\n"), "mode": "add", "delimiter": ","})

    manifest = manifest_of(last_job())
    assert (manifest["incremental"], manifest["primary_key"]) == (True, ["id"])
    assert manifest["columns"] == ["id", "amount", "note"], "without a header the columns are the table's"


def test_a_packed_file_without_a_header_gets_names(url: str, as_alice: Client) -> None:
    as_alice.post(url, {"file": csv_of(gzip.compress(b'1|"a|b"|2\n'), "x.csv.gz"), "delimiter": "|"})

    job = last_job()
    assert job.name == "Upload to in.c-shop.x"
    assert manifest_of(job)["columns"] == ["column_1", "column_2", "column_3"]


@pytest.mark.parametrize(
    ("content", "fields", "errors"),
    [
        (b"", {}, {"file": ["The file is empty."]}),
        (None, {}, {"file": ["Choose a file."]}),
        (b"\n\n", {}, {"file": ["The first line of the file is empty."]}),
        (b"a,b\n1,\xe9\n", {}, {"file": ["Expected a text in UTF-8; line 2 is written in another encoding."]}),
        (b"\x1f\x8bxx", {}, {"file": ["The file says it is compressed, but cannot be unpacked."]}),
        (
            gzip.compress(b"", mtime=0)[:10] + b"\xff" * 20,
            {},
            {"file": ["The file says it is compressed, but cannot be unpacked."]},
        ),
        (b"a,b\n", {"primary_key": "a, c"}, {"primary_key": ["The file has no column c. It has a, b."]}),
        (
            b"a\n",
            {"name": "orders"},
            {"name": ["There is a table in.c-shop.orders already: upload into it from its own page."]},
        ),
        (b"a\n" * 60_000, {}, {"file": ["The file is larger than 100 kB, which is the most that can be uploaded."]}),
    ],
)
def test_what_is_wrong_is_said_at_once_and_nothing_is_left(
    content: bytes | None,
    fields: dict[str, str],
    errors: dict[str, list[str]],
    url: str,
    as_alice: Client,
    settings: Any,
) -> None:
    settings.UPLOAD_LIMIT_BYTES = 100_000
    jobs = Job.objects.count()
    given = {} if content is None else {"file": csv_of(content)}

    refused = as_alice.post(url, {**given, "has_header": "on", **fields})

    assert refused.status_code == 422
    assert refused.context["form"].errors == errors
    assert left_behind(settings) == []
    assert Job.objects.count() == jobs


@pytest.mark.parametrize("name", ["", "großer Name", "x" * 200])
def test_the_name_of_a_new_table_is_checked(name: str, url: str, as_alice: Client, settings: Any) -> None:
    refused = as_alice.post(url, {"file": csv_of(b"a\n", "!!.csv"), "has_header": "on", "name": name})

    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == ["name"]
    assert left_behind(settings) == []


def test_of_who_may_not_upload_no_byte_is_kept(
    url: str, as_bob: Client, as_charlie: Client, alice: User, settings: Any
) -> None:
    without_token = Client(enforce_csrf_checks=True)
    without_token.force_login(alice)

    answers = [client.post(url, {"file": csv_of(PEOPLE)}).status_code for client in (as_bob, as_charlie, without_token)]

    assert answers == [403, 404, 403]
    assert left_behind(settings) == []


# --- Out ---------------------------------------------------------------------------------------


def test_a_download_waits_for_its_job_and_gives_the_file(world: World, as_alice: Client) -> None:
    url = reverse("table-download", args=[world.project.pk, "in.c-shop.orders"])

    begun = as_alice.post(url)
    job = last_job()
    waiting = as_alice.get(begun["Location"])
    Job.objects.filter(pk=job.pk).update(
        status=JobStatus.ERROR, started_at=builders.NOW, finished_at=builders.NOW, message="Disk full."
    )
    failed = as_alice.get(begun["Location"])
    ready = as_alice.get(f"{url}?job={world.unloading.pk}", headers={"HX-Request": "true"})
    file = as_alice.get(ready.context["file_url"])

    assert job.name == "Download of in.c-shop.orders"
    assert f'hx-get="{begun["Location"]}"' in waiting.text
    assert "Disk full." in failed.text
    assert "hx-get" not in ready.text
    assert "data-start" in ready.text
    assert file["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert b"".join(file) == b"id,amount,note\n1,9.50,\n"


def test_who_may_look_may_take_a_table_along_one_file_at_a_time(
    world: World, as_bob: Client, as_alice: Client, bob: User
) -> None:
    table, another = (
        reverse("table-download", args=[world.project.pk, each]) for each in ("in.c-shop.orders", "out.c-reports.empty")
    )

    begun = as_bob.post(table)
    job = last_job()
    again, by_alice, other = as_bob.post(table), as_alice.post(table), as_bob.post(another)
    Job.objects.filter(pk=job.pk).update(
        status=JobStatus.ERROR, started_at=builders.NOW, finished_at=builders.NOW, message="Disk full."
    )
    anew = as_bob.post(table)

    assert (job.created_by, job.name) == (bob, "Download of in.c-shop.orders")
    assert begun["Location"] == again["Location"] == f"{table}?job={job.pk}"
    assert len({begun["Location"], by_alice["Location"], other["Location"], anew["Location"]}) == 4
    preparing.check_access(job, builders.NOW)
    file = as_bob.get(reverse("table-file", args=[world.project.pk, "in.c-shop.orders", world.unloading.pk]))
    assert b"".join(file) == b"id,amount,note\n1,9.50,\n"


def test_who_may_only_look_stops_no_download_and_loads_nothing(world: World, as_bob: Client, bob: User) -> None:
    as_bob.post(reverse("table-download", args=[world.project.pk, "in.c-shop.orders"]))
    job, who = last_job(), Actor(user=bob)

    for component_id in ("tutti.load", "command"):
        with pytest.raises(Denied):
            access.require_start(who, world.project, component_id, builders.NOW)
    with pytest.raises(Denied):
        terminating.terminate(job, actor=who, now=builders.NOW)


def test_a_file_belongs_to_its_table_and_goes_after_a_while(world: World, as_alice: Client) -> None:
    def ask(table_id: str, job: Job) -> int:
        status: int = as_alice.get(reverse("table-file", args=[world.project.pk, table_id, job.pk])).status_code
        return status

    path = storing.unloaded_file(world.unloading)
    assert path is not None
    path.unlink()

    assert ask("out.c-reports.empty", world.unloading) == 404
    assert ask("in.c-shop.orders", world.child) == 404
    assert ask("in.c-shop.orders", world.unloading) == 404
    page = as_alice.get(
        reverse("table-download", args=[world.project.pk, "in.c-shop.orders"]), {"job": world.unloading.pk}
    )
    assert "The file is not there any more." in page.text


# --- Components that nobody chooses ------------------------------------------------------------


def test_hidden_components_are_not_offered_but_their_jobs_are_seen(
    world: World, project: Project, as_alice: Client
) -> None:
    catalogue = as_alice.get(reverse("components", args=[project.pk])).text
    suggested = as_alice.get(reverse("jobs-suggestions", args=[project.pk]), {"q": "component:", "at": "10"}).text
    new = as_alice.get(reverse("configuration-new", args=[project.pk, storing.LOAD]))
    jobs = as_alice.get(reverse("jobs", args=[project.pk]), {"q": 'component:"Unload a table"'}).text

    assert "Load a file" not in catalogue + suggested
    assert "Unload a table" not in catalogue + suggested
    assert new.status_code == 404
    assert "Download of in.c-shop.orders" in jobs


def test_the_job_of_an_upload_leads_to_its_table(url: str, world: World, as_alice: Client) -> None:
    as_alice.post(url, {"file": csv_of(PEOPLE), "has_header": "on"})
    job = last_job()
    builders.build_import(builders.build_table(world.project, "in.c-shop.people-2026"), job=job, rows=2)

    page = as_alice.get(reverse("job", args=[world.project.pk, job.pk]))

    [written] = page.context["mapping"].outputs
    assert written.url == reverse("table", args=[world.project.pk, "in.c-shop.people-2026"])
    assert page.context["job"].configuration_url == written.url
    assert "Upload to in.c-shop.people-2026" in page.text


@pytest.mark.parametrize("request_", [{}, {"configData": {}}, {"configData": {"storage": {"input": {"tables": []}}}}])
def test_a_job_that_a_client_made_of_a_hidden_component_has_a_page(
    request_: dict[str, Any], world: World, as_alice: Client
) -> None:
    Job.objects.filter(pk=world.unloading.pk).update(request=request_)

    page = as_alice.get(reverse("job", args=[world.project.pk, world.unloading.pk]))

    assert (page.status_code, page.context["job"].configuration_url) == (200, "")
