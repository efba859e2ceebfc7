"""Secrets do not get through, whatever the reads cut them into."""

from __future__ import annotations

import pytest

from jobs.processes.masking import Masker
from jobs.processes.protocol import forms_of_secret


def masked(secrets: list[str], *reads: bytes) -> bytes:
    masker = Masker(secrets)
    return b"".join(map(masker.feed, reads)) + masker.finish()


@pytest.mark.parametrize(
    ("secrets", "text", "expected"),
    [
        (["hunter2"], b"it is hunter2, hunter2!", b"it is *****, *****!"),
        (["hunter2"], b"it is hunter", b"it is hunter"),
        (["abcd", "cdef"], b"xabcdefx", b"x*****x"),
        (["ab", "abc"], b"ab abc abd", b"***** ***** *****d"),
        (["aa"], b"aaaaa", b"*****"),
        (["aab"], b"aaab", b"a*****"),
        (["*"], b"a*b", b"a*****b"),
        (["one\ntwo"], b"one\ntwo\n", b"*****\n"),
        (["žluť"], "má žluť".encode(), "má *****".encode()),
        (["", "  "], b"a  b", b"a  b"),
        (["xyz", "zzz"], b"xyzzzxyz", b"**********"),
    ],
)
def test_every_cut_gives_the_same(secrets: list[str], text: bytes, expected: bytes) -> None:
    byte_by_byte = [text[at : at + 1] for at in range(len(text))]

    assert masked(secrets, text) == expected
    assert masked(secrets, *byte_by_byte) == expected
    for at in range(len(text)):
        assert masked(secrets, text[:at], text[at:]) == expected


def test_it_holds_back_no_more_than_a_secret_could_need() -> None:
    masker = Masker(["aaaa"])

    given = [masker.feed(b"a") for _ in range(1000)]

    assert masker.held_bytes <= 4
    assert b"".join(given) + masker.finish() == b"*****"


def test_what_cannot_be_a_secret_is_given_out_at_once() -> None:
    masker = Masker(["hunter2"])

    assert masker.feed(b"hello\n") == b"hello\n"


def test_a_secret_is_also_known_as_json_and_addresses_write_it() -> None:
    secret = 'a"b/ž c'

    assert set(forms_of_secret(secret)) == {secret, 'a\\"b/\\u017e c', 'a\\"b/ž c', "a%22b%2F%C5%BE%20c"}


def test_the_lines_of_a_key_file_are_secrets_but_not_its_short_ones() -> None:
    forms = forms_of_secret("-----BEGIN KEY-----\nc2VjcmV0IGtleQ==\n}\n")

    assert "c2VjcmV0IGtleQ==" in forms
    assert "}" not in forms
