"""JSON from outside is read with errors that say where and what."""

from typing import Any

import pytest

from orchestrations.lib import json_api
from orchestrations.lib.json_api import InvalidJson


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, null, true, "\xc3\xa9"]}', {"a": [1, 2.5, None, True, "é"]}),
        (b"\xef\xbb\xbf{}", {}),
        ('\ufeff"x"', "x"),
        (b'"\\ud83d\\ude00"', "😀"),
    ],
)
def test_good_json_is_read(body: bytes | str, value: Any) -> None:
    assert json_api.parse(body) == value


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The JSON text is empty."),
        (b" \n", "The JSON text is empty."),
        (b'{\n  "a": 1,\n  2}', "Invalid JSON in line 3, column 3: "),
        (b'{"a": 1} x', "Invalid JSON in line 1, column 10: extra data."),
        (b'{"a":\n"\xff"}', "Invalid JSON in line 2: the text is not UTF-8."),
        (b"NaN", "NaN is not a number of JSON."),
        (b'{"a": -Infinity}', "-Infinity is not a number of JSON."),
        (b"1e999", "The number 1e999 is too large."),
        (b"9" * 5000, "The number 99999999999999999999… is too large: it has 5000 digits."),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', 'The field "b" appears twice in one object.'),
        (b'{"a": ["x", "\\u0000"]}', "a[1]: the NUL character is not allowed."),
        (b'{"a": {"\\u0000": 1}}', "a: the NUL character is not allowed."),
        (b'{"a": "\\ud83d"}', "a: a half of a surrogate pair is not a character."),
        (b"[" * 65 + b"]" * 65, "The JSON is nested more than 64 levels deep."),
        (b"[" * 200_000, "The JSON is nested more than 64 levels deep."),
        (b'{"a":' * 200_000, "The JSON is nested more than 64 levels deep."),
        (b"[" + b" " * 10_000_000 + b"]", "The JSON is 10000002 bytes long; the limit is 10000000 bytes."),
    ],
    ids=range(17),
)
def test_bad_json_is_refused_with_a_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(InvalidJson) as caught:
        json_api.parse(body)

    assert str(caught.value).startswith(sentence)


def test_sixty_four_levels_are_fine() -> None:
    assert json_api.parse(b"[" * 64 + b"]" * 64)


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null"])
def test_only_an_object_is_an_object(body: bytes) -> None:
    with pytest.raises(InvalidJson, match="A JSON object is expected"):
        json_api.parse_object(body)


@pytest.mark.parametrize("value", [{1: "a"}, {"a": {1, 2}}, [(1,)], {"a": b"x"}])
def test_what_is_not_json_at_all_is_refused(value: Any) -> None:
    with pytest.raises(InvalidJson):
        json_api.check(value)
