"""What every component on the network holds to: where it may connect, when it tries again, what it believes."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from jobs.components.shared.clock import Clock
from jobs.components.shared.errors import UserError
from jobs.components.shared.http import headers
from jobs.components.shared.http.client import Call, Client
from orchestrations.lib.addresses import Permissions, is_public
from tests.jobs.components.data_folders import JobFolder, told
from tests.jobs.components.test_http_files import ORDERS, load
from tests.jobs.components.web import Reply, Web

PRIVATE = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:0a00:0001::1",
    "2001:0:53aa:64c::f5ff:fffe",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001:db8::1",
]
PUBLIC = [
    "1.1.1.1",
    "172.32.0.1",
    "192.169.1.1",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2002:101:101::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_internet_is_private(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public_however_it_is_written(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("setting", "host", "address", "is_allowed"),
    [
        ("", "a.example", "10.0.0.1", False),
        ("", "a.example", "1.1.1.1", True),
        ("10.0.0.0/8, ::1", "a.example", "10.0.0.1", True),
        ("10.0.0.0/8, ::1", "a.example", "::ffff:10.0.0.1", True),
        ("10.0.0.0/8, ::1", "localhost", "::1", True),
        ("10.0.0.0/8, [::1]", "localhost", "127.0.0.1", False),
        ("A.example.", "a.example", "10.0.0.1", True),
        ("a.example", "A.EXAMPLE.", "10.0.0.1", True),
        ("a.example", "b.a.example", "10.0.0.1", False),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2", False),
    ],
)
def test_the_administrator_allows_hosts_and_networks(setting: str, host: str, address: str, is_allowed: bool) -> None:
    assert Permissions.of_setting(setting.split(",")).allow(host, address) is is_allowed


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "127.0.0.1.",
    ],
)
def test_this_machine_is_not_reached_by_any_of_its_names(web: Web, host: str) -> None:
    client = Client(Permissions(), Clock(), timeout_seconds=1, retries=0)

    with pytest.raises(UserError, match=r"is a private address, where components may not|is not known"):
        client.fetch(Call("GET", f"http://{host}:{web.port}/orders.csv"), lambda answer, url: answer.status)

    assert web.asked == []


def test_the_sentence_says_who_can_allow_it(job: JobFolder, web: Web) -> None:
    job.environment.pop("TUTTI_ALLOW_PRIVATE_ADDRESSES")

    assert told(load(job, web.on("/orders.csv", Reply(ORDERS)))) == (
        "127.0.0.1 is a private address, where components may not connect to; "
        "the administrator can allow it by TUTTI_ALLOW_PRIVATE_ADDRESSES."
    )


def test_a_redirect_to_a_private_address_is_not_followed(job: JobFolder, web: Web) -> None:
    away = web.on("/away", Reply(status=302, headers={"Location": f"http://127.0.0.2:{web.port}/orders.csv"}))

    assert told(load(job, away)).startswith("127.0.0.2 is a private address")
    assert web.paths() == ["/away"]


def test_the_address_is_asked_for_once_and_that_one_is_connected_to(web: Web) -> None:
    """A name that means a public address when it is judged and a private one a moment later (DNS rebinding)."""
    client = Client(Permissions(), Clock(), timeout_seconds=1, retries=0)
    public = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.114.1", 80))]
    private = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", web.port))]
    tried: list[Any] = []

    def connect(_: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    with (
        mock.patch("socket.getaddrinfo", side_effect=[public, private]) as asked,
        mock.patch("socket.socket.connect", connect),
        pytest.raises(UserError),
    ):
        client.fetch(Call("GET", "http://rebinding.example/"), lambda answer, url: answer.status)

    assert asked.call_count == 1
    assert tried == [("203.0.114.1", 80)]


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("http://user:hidden@127.0.0.1/x", "http://127.0.0.1/x: user and password do not belong into the address"),
        ("http:///x", "is not an address that begins with http:// or https://"),
        ("ftp://127.0.0.1/x", "is not an address that begins with http:// or https://"),
        ("http://127.0.0.1:99999999/x", "is not an address"),
        ("http://bad..name/", "the name of the host is not known"),
        ("http://①②⑦.0.0.1/", "is not an address"),
    ],
)
def test_what_is_no_address_is_told(address: str, what: str) -> None:
    client = Client(Permissions(everything=True), Clock(), timeout_seconds=1, retries=0)

    with pytest.raises(UserError) as caught:
        client.fetch(Call("GET", address), lambda answer, url: answer.status)

    assert what in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "//user:x@127.0.0.1/", "gopher:x"])
def test_a_redirect_to_something_else_than_the_web_is_not_followed(job: JobFolder, web: Web, location: str) -> None:
    ran = load(job, web.on("/away", Reply(status=301, headers={"Location": location})))

    assert "http" in told(ran)
    assert len(web.asked) == 1


def test_redirects_are_followed_but_not_in_a_circle(job: JobFolder, web: Web) -> None:
    web.on("/orders.csv", Reply(ORDERS))
    steps = web.on("/a", Reply(status=307, headers={"Location": "b?x=1#part"}))
    web.on("/b", Reply(status=308, headers={"Location": "/orders.csv"}, body=b"moved"))
    circle = web.on("/circle", Reply(status=302, headers={"Location": "/circle?again"}))

    good = load(job, steps)
    bad = load(job.following("second"), circle)

    assert good.returncode == 0, good.stderr
    assert web.paths()[:3] == ["/a", "/b?x=1", "/orders.csv"]
    assert told(bad).endswith("/circle?…: more than 10 redirects, one to another.")


def test_secrets_are_sent_to_the_server_that_was_meant_and_to_no_other(job: JobFolder, web: Web) -> None:
    away = web.on("/away", Reply(status=302, headers={"Location": f"http://localhost:{web.port}/orders.csv"}))
    web.on("/here", Reply(status=302, headers={"Location": "/orders.csv"}))
    web.on("/orders.csv", Reply(ORDERS))
    given: dict[str, Any] = {
        "headers": {"#X-Key": "hidden", "X-Plain": "č".encode().decode("latin-1")},
        "authentication": {"method": "basic", "user": "me", "#password": "žluť"},
    }

    load(job, web.url("/here"), **given)
    load(job.following("second"), away, **given)

    sent = {each.path: each.headers for each in web.asked[:3]}
    assert sent["/here"]["x-key"] == sent["/orders.csv"]["x-key"] == "hidden"
    assert sent["/here"]["authorization"] == "Basic bWU6xb5sdcWl"
    assert "x-key" not in web.asked[3].headers
    assert "authorization" not in web.asked[3].headers


def test_a_token_is_sent_as_bearer(job: JobFolder, web: Web) -> None:
    address = web.on("/orders.csv", Reply(ORDERS))

    load(job, address, authentication={"method": "bearer", "#token": "abc"})
    without = load(job.following("second"), address, authentication={"method": "bearer"})

    assert web.asked[0].headers["authorization"] == "Bearer abc"
    assert told(without) == "authentication: the token is missing."


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ({"X-A": "one\r\nX-B: two"}, "the value of X-A holds signs that a header cannot carry"),
        ({"#X-A": "a\nb"}, "the value of X-A holds signs"),
        ({"Content-Length": "5"}, "Content-Length cannot be set"),
        ({"transfer-encoding": "chunked"}, "transfer-encoding cannot be set"),
    ],
)
def test_a_header_cannot_smuggle(header: dict[str, str], what: str) -> None:
    with pytest.raises(UserError, match=f"^headers: {what}"):
        headers.read(header)


def test_a_server_in_trouble_is_asked_again_with_growing_waits(job: JobFolder, web: Web) -> None:
    troubles = [Reply(status=503), Reply(status=429, headers={"Retry-After": "7"}), Reply(b"x", resets=True, sent=0)]
    address = web.on("/orders.csv", *troubles, Reply(status=500), Reply(ORDERS))

    ran = load(job, address)

    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert [line.partition(": ")[2] for line in lines[:2]] == [
        "the server answered 503 Service Unavailable. Trying again in 1 s.",
        "the server answered 429 Too Many Requests. Trying again in 7 s.",
    ]
    assert len(web.asked) == 5
    assert (job.out_tables / "orders.csv").read_bytes() == ORDERS


def test_a_moment_to_come_back_at_is_kept_unless_it_is_too_far(job: JobFolder, web: Web) -> None:
    past = web.on("/past", Reply(status=503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), Reply(ORDERS))
    broken = web.on("/broken", Reply(status=503, headers={"Retry-After": "soon"}), Reply(ORDERS))
    far = web.on("/far", Reply(status=429, headers={"Retry-After": "86400"}))

    assert "Trying again in 0 s." in load(job, past).stdout
    assert "Trying again in 1 s." in load(job.following("second"), broken).stdout
    assert told(load(job.following("third"), far)).endswith("It asks to come back in 86400 s, which is too long.")


def test_the_last_try_says_so_and_what_will_not_pass_is_tried_once(job: JobFolder, web: Web) -> None:
    down = web.on("/down", Reply(status=502))
    missing = web.on("/missing?key=hidden", Reply(status=404))

    first = told(load(job, down, retries=2))
    second = told(load(job.following("second"), missing))

    assert first == f"{down}: the server answered 502 Bad Gateway. That was try 3, the last one."
    assert second == f"{web.url('/missing')}?…: the server answered 404 Not Found."
    assert web.paths() == ["/down"] * 3 + ["/missing?key=hidden"]


def test_nobody_there_is_told(job: JobFolder) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

        sentence = told(load(job, f"http://127.0.0.1:{port}/x", retries=1))

    assert sentence == f"http://127.0.0.1:{port}/x: no connection (Connection refused). That was try 2, the last one."


BODY = ORDERS * 20_000


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (Reply(BODY, sent=100_000), "the answer broke off after 100000 bytes, 340000 bytes early"),
        (Reply(BODY, sent=100_000, resets=True), "the connection broke"),
        (Reply(BODY, sent=100_000, is_chunked=True), "broke"),
        (Reply(BODY, declared=500_000), "the answer broke off after 440000 bytes, 60000 bytes early"),
        (Reply(BODY, declared=100_000), "the server sent more than the length that it declared"),
        (Reply(BODY, declared=439_999), "the server sent more than the length that it declared"),
    ],
    ids=["drops", "resets", "drops-chunked", "declares-more", "declares-less", "one-byte-less"],
)
def test_half_a_file_is_never_taken_for_a_whole_one(job: JobFolder, web: Web, reply: Reply, what: str) -> None:
    broken = load(job, web.on("/orders.csv", reply), retries=1)
    mended = load(job.following("second"), web.on("/mended.csv", reply, Reply(BODY)))

    assert what in told(broken)
    assert list(job.out_tables.iterdir()) == []
    assert mended.returncode == 0, mended.stderr
    assert "Trying again" in mended.stdout
    assert (job.root.with_name("second") / "data/out/tables/orders.csv").read_bytes() == BODY


def test_a_server_that_keeps_the_connection_after_the_whole_file_is_no_liar(job: JobFolder, web: Web) -> None:
    ran = load(job, web.on("/orders.csv", Reply(ORDERS, stalls=True)), retries=0)

    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("sent", [0, 100_000])
def test_silence_ends(job: JobFolder, web: Web, sent: int) -> None:
    ran = load(job, web.on("/orders.csv", Reply(BODY, sent=sent, stalls=True)), timeout_seconds=0.3, retries=1)

    assert told(ran).endswith("/orders.csv: nothing came for 0.3 s. That was try 2, the last one.")


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[int]:
    """The port of a server whose certificate nobody has signed."""
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]
    words += ["/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *_: None)  # type: ignore[arg-type]
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(job: JobFolder, untrusted: int) -> None:
    sentence = told(load(job, f"https://127.0.0.1:{untrusted}/x"))

    assert sentence == f"https://127.0.0.1:{untrusted}/x: the certificate is not trusted (self-signed certificate)."


def test_a_server_without_tls_is_no_secure_one(job: JobFolder, web: Web) -> None:
    sentence = told(load(job, f"https://127.0.0.1:{web.port}/x", retries=0))

    assert sentence == f"https://127.0.0.1:{web.port}/x: no secure connection could be made."
