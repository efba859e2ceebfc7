from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.states import JobStatus
from orchestrations.components.catalogue import ORCHESTRATOR
from orchestrations.models import Configuration, Project, Token
from tests import builders
from tests.api.conftest import Api, assert_queue_error, build_token, limited_api

SEARCH = "/queue/search/jobs"


@pytest.fixture
def load(project: Project) -> Configuration:
    return builders.build_configuration(project, name="Load orders")


def search(api: Api, query: str = "") -> list[str]:
    """The ids that were found, in their order."""
    response = api.get(f"{SEARCH}?{query}")
    assert response.status_code == 200, response.content
    return [job["id"] for job in response.json()]


def build_job(configuration: Configuration, **fields: Any) -> str:
    """The id of a job with these fields, past the moves that a job may make: it is only looked at."""
    job = builders.launch(configuration, data=fields.pop("data", {}))
    if fields:
        Job.objects.filter(pk=job.pk).update(**fields)
    return str(job.pk)


def ended(configuration: Configuration, start: datetime, seconds: float, **fields: Any) -> str:
    end = start + timedelta(seconds=seconds)
    fields = {"status": JobStatus.SUCCESS, **fields}
    return build_job(configuration, created_at=start, started_at=start, finished_at=end, **fields)


def test_jobs_are_found_newest_first(api: Api, load: Configuration) -> None:
    ids = [build_job(load) for _ in range(3)]

    assert search(api) == ids[::-1]
    assert search(api, "limit=2") == [ids[2], ids[1]]
    assert search(api, "limit=2&offset=1") == [ids[1], ids[0]]
    assert search(api, "sortBy=id&sortOrder=asc") == ids
    assert search(api, "offset=2147483647") == []


def test_a_hundred_are_found_unless_more_are_asked_for(api: Api, load: Configuration) -> None:
    first = build_job(load)
    Job.objects.bulk_create(
        Job(
            project=load.project,
            configuration=load,
            component_id="command",
            is_run=False,
            name="Load",
            created_at=timezone.now(),
            cause="api",
        )
        for _ in range(100)
    )

    assert len(search(api)) == 100
    assert search(api, "limit=101")[-1] == first


@pytest.mark.parametrize(
    "query",
    [
        "status=success&status=error",
        "status[]=success&status[]=error",
        "status[0]=success&status[1]=error",
        "status%5B0%5D=success&status%5B7%5D=error",
    ],
)
def test_an_array_comes_in_any_form(api: Api, load: Configuration, query: str) -> None:
    start = timezone.now()
    good = ended(load, start, 1)
    bad = ended(load, start, 1, status=JobStatus.ERROR)
    ended(load, start, 1, status=JobStatus.WARNING)

    assert search(api, query) == [bad, good]


def test_jobs_are_found_by_what_they_run(api: Api, project: Project, load: Configuration) -> None:
    other = builders.build_configuration(project)
    nightly = builders.build_orchestration(project, [builders.task(other)])
    mine, theirs, run = build_job(load), build_job(other), build_job(nightly)

    assert search(api, f"configId={load.key}") == [mine]
    assert search(api, f"config={other.key}&component=command") == [theirs]
    assert search(api, f"configId[]={load.key}&configId[]={other.key}") == [theirs, mine]
    assert search(api, "componentId=command&sortOrder=asc") == [mine, theirs]
    assert run in search(api, f"componentId={ORCHESTRATOR}")
    assert run in search(api, "type=orchestrationContainer")
    assert run not in search(api, "type=standard")
    assert search(api, "type=phaseContainer") == []
    assert search(api, "status=created") == []


def test_jobs_are_found_by_their_ids(api: Api, load: Configuration) -> None:
    alone = build_job(load)
    child = build_job(load, parent_run_id=f"5.{alone}")

    assert search(api, f"id={alone}") == [alone]
    assert search(api, f"id[]={alone}&id[]={child}") == [child, alone]
    assert search(api, f"runId={alone}") == [alone]
    assert search(api, f"runId=5.{alone}.{child}") == [child]
    assert search(api, f"runId={child}") == []
    assert search(api, f"parentRunId=5.{alone}") == [child]
    assert search(api, "id=x&id=99999999999999999999") == []
    assert search(api, "runId=x") == []


def test_jobs_are_found_by_their_mode(api: Api, load: Configuration) -> None:
    plain = build_job(load)
    said = build_job(load, data={"mode": "run"})
    debug = build_job(load, data={"mode": "debug"})

    assert search(api, "mode=run") == [said, plain]
    assert search(api, "mode=debug") == [debug]
    assert search(api, "mode[]=debug&mode[]=run") == [debug, said, plain]


def test_jobs_are_found_by_their_token(api: Api, load: Configuration, token: tuple[Token, str]) -> None:
    other, _ = build_token(load.project, description="trigger")
    asked = build_job(load, created_with=token[0])
    bound = build_job(load, created_with=token[0], token=other)
    by_page = build_job(load)

    assert search(api, f"tokenId={token[0].pk}") == [asked]
    assert search(api, f"tokenId={other.pk}") == [bound]
    assert search(api, "tokenDescription=trigger") == [bound]
    assert search(api, "tokenDescription[]=Alice's laptop&tokenDescription[]=trigger") == [bound, asked]
    assert search(api, "tokenDescription=alice@example.org") == [by_page]


def test_jobs_are_found_by_time(api: Api, load: Configuration) -> None:
    now = timezone.now()
    old = ended(load, now - timedelta(hours=20), 30)
    new = ended(load, now - timedelta(hours=2), 3600)
    waiting = build_job(load)

    assert search(api, "createdTimeFrom=-8 hours") == [waiting, new]
    assert search(api, "createdTimeTo=-8 hours") == [old]
    assert search(api, "startTimeFrom=-1 day&startTimeTo=-8 hours") == [old]
    assert search(api, "endTimeFrom=-90 minutes") == [new]
    assert search(api, f"createdTimeFrom={(now - timedelta(hours=3)).isoformat()}") == [waiting, new]
    assert search(api, f"createdTimeTo={(now - timedelta(hours=3)).isoformat().replace('+', '%2B')}") == [old]
    assert search(api, "durationSecondsFrom=30") == [new, old]
    assert search(api, "durationSecondsFrom=31") == [new]
    assert search(api, "durationSecondsTo=30") == [old]


def test_the_moment_of_a_job_finds_it_again(api: Api, load: Configuration) -> None:
    job = build_job(load)
    created = api.get(f"{SEARCH}?id={job}").json()[0]["createdTime"].replace("+", "%2B")

    assert search(api, f"createdTimeFrom={created}&createdTimeTo={created}") == [job]


def test_jobs_come_in_any_order(api: Api, load: Configuration) -> None:
    now = timezone.now()
    long = ended(load, now - timedelta(hours=1), 100)
    short = ended(load, now - timedelta(hours=2), 10, status=JobStatus.ERROR)
    waiting = build_job(load)

    assert search(api, "sortBy=durationSeconds&sortOrder=asc") == [short, long, waiting]
    assert search(api, "sortBy=durationSeconds&sortOrder=desc") == [long, short, waiting]
    assert search(api, "sortBy=startTime&sortOrder=asc") == [short, long, waiting]
    assert search(api, "sortBy=endTime") == [long, short, waiting]
    assert search(api, "sortBy=createdTime&sortOrder=asc") == [short, long, waiting]
    assert search(api, "sortBy=status&sortOrder=asc") == [short, long, waiting]
    for order in ("runId", "componentId", "configId", "tokenId", "tokenDescription", "projectId", "branchId"):
        assert len(search(api, f"sortBy={order}")) == 3


def test_waiting_jobs_come_with_their_reasons(api: Api, load: Configuration) -> None:
    first, second = build_job(load), build_job(load)

    found = {job["id"]: job["waitReason"] for job in api.get(SEARCH).json()}

    assert found[first]["code"] == "no-worker"
    assert (found[second]["code"], found[second]["jobId"]) == ("configuration", first)


@pytest.mark.django_db(transaction=True)
def test_a_search_takes_the_same_queries_for_few_and_for_many(
    api: Api, project: Project, load: Configuration, django_assert_max_num_queries: Any
) -> None:
    """Also with jobs that wait for different reasons, and with finished ones."""
    now = timezone.now()
    cluster = builders.build_cluster(workers=1)
    builders.launch(load)
    builders.claim(cluster)
    build_job(load)
    build_job(builders.build_configuration(project))
    api.get(SEARCH)
    with django_assert_max_num_queries(40) as few:
        api.get(SEARCH)

    for _ in range(15):
        configuration = builders.build_configuration(project)
        ended(configuration, now, 5)
        build_job(configuration)
        build_job(configuration)
        build_job(load)

    with django_assert_max_num_queries(len(few)):
        assert len(api.get(SEARCH).json()) == 63


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("status=done", "status: 'done' is not one of"),
        ("mode=walk", "mode: 'walk'"),
        ("type=other", "type: 'other'"),
        ("limit=0", "limit: expected a whole number from 1 to 1000"),
        ("limit=1001", "limit"),
        ("limit=x", "limit: expected a whole number"),
        ("limit=1&limit=2", "limit: expected a whole number"),
        ("offset=-1", "offset"),
        ("offset=99999999999999999999999", "offset"),
        ("createdTimeFrom=soon", "createdTimeFrom: expected a moment"),
        ("endTimeTo=-999999999 years", "endTimeTo: expected a moment"),
        ("startTimeFrom[]=today", "startTimeFrom: expected a text"),
        ("durationSecondsFrom=long", "durationSecondsFrom: expected a whole number"),
        ("durationSecondsTo=99999999999999", "durationSecondsTo"),
        ("sortBy=secret", "sortBy: expected one of id, runId"),
        ("sortOrder=up", "sortOrder: expected one of asc, desc"),
        ("configId=a%00b", "NUL"),
        ("componentId[x][y]=1", "componentId[0]: expected a text"),
        ("id=1&id[]=2&id[x]=3", "id: is given as a value and as an object"),
        ("[]=1", "cannot be read"),
        ("a[b][c][d][e][f][g][h][i]=1", "a: is nested"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(api: Api, load: Configuration, query: str, words: str) -> None:
    build_job(load)

    assert words in assert_queue_error(api.get(f"{SEARCH}?{query}"), 400)


def test_too_many_values_are_refused(api: Api) -> None:
    assert "id: at most 500" in assert_queue_error(api.get(f"{SEARCH}?" + "&".join(["id=1"] * 501)), 400)
    assert "too many" in assert_queue_error(api.get(f"{SEARCH}?" + "&".join(["id=1"] * 6000)), 400)


def test_who_may_search(stranger: Api, viewer: Api, nobody: Api, api: Api, load: Configuration) -> None:
    job = build_job(load)

    assert search(viewer) == [job]
    assert search(stranger) == []
    assert search(stranger, f"id={job}") == []
    assert_queue_error(nobody.get(SEARCH), 401)
    assert_queue_error(api.post(SEARCH), 405)


def test_a_limited_token_finds_the_jobs_of_its_components(project: Project, load: Configuration) -> None:
    job = build_job(load)

    assert search(limited_api(project, component_access=["command"])) == [job]
    assert search(limited_api(project, component_access=None)) == [job]
    assert search(limited_api(project, component_access=[])) == []
