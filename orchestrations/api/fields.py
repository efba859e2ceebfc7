"""What a client sent, from JSON, a form or the query, as one kind of thing that is read field by field (API.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException
from django.utils.datastructures import MultiValueDict

from orchestrations.api.errors import ApiError, Invalid
from orchestrations.lib import json_api

MOST_ITEMS = 500
MOST_NUMBER = 2**31 - 1
DEEPEST_NAME = 8
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_FLAGS = {"1": True, "true": True, "0": False, "false": False, "": False}


class Fields:
    """The named values of a request. Every reader raises Invalid with the field's name; null counts as not given."""

    def __init__(self, values: dict[str, Any], *, as_texts: bool = False) -> None:
        self.values = values
        self.as_texts = as_texts

    def given(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "", *, most: int = 255) -> str:
        """A text; a number counts as one, since ids come both ways."""
        value = self.values.get(name)
        return default if value is None else _text(name, value, most)

    def whole(self, name: str, default: int, *, least: int = 0, most: int = MOST_NUMBER) -> int:
        value = _whole_or_as_it_is(self.values.get(name))
        if value is None or value == "":
            return default
        if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,18}", str(value)):
            raise Invalid(name, "expected a whole number.")
        if not least <= int(value) <= most:
            raise Invalid(name, f"expected a whole number from {least} to {most}.")
        return int(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.values.get(name)
        if value is None:
            return default
        known = _FLAGS.get(str(value).lower()) if isinstance(value, bool | int | str) else None
        if known is None:
            raise Invalid(name, "expected true or false.")
        return known

    def choice(self, name: str, default: str, choices: Iterable[str]) -> str:
        value = self.text(name, default) or default
        known = list(choices)
        if value not in known:
            raise Invalid(name, f"expected one of {', '.join(known)}.")
        return value

    def texts(self, *names: str, most: int = 255) -> list[str]:
        """The values of a field that may be given once, more often, or under several names."""
        found: list[str] = []
        for name in names:
            value = self.values.get(name)
            items = value if isinstance(value, list) else [] if value in (None, "") else [value]
            found += [_text(f"{name}[{place}]", item, most) for place, item in enumerate(items)]
            if len(found) > MOST_ITEMS:
                raise Invalid(name, f"at most {MOST_ITEMS} values are possible.")
        return found

    def object(self, name: str) -> dict[str, Any]:
        """An object. Clients written in PHP send an empty one as ``[]``, and forms send one as JSON text."""
        value = self.values.get(name)
        if self.as_texts and isinstance(value, str):
            value = _json_text(name, value)
        if value is None or value == []:
            return {}
        if not isinstance(value, dict):
            raise Invalid(name, "expected an object.")
        return value


def of_query(request: HttpRequest) -> Fields:
    try:
        query = request.GET
    except TooManyFieldsSent as error:
        raise ApiError(400, "The query has too many fields.") from error
    return Fields(_nested(query), as_texts=True)


def of_body(request: HttpRequest) -> Fields:
    """The body, whatever it is: an object of JSON, or a form (also of PUT and DELETE). Empty counts as no fields."""
    body = _body(request)
    kind = (request.content_type or "").lower()
    if not body.strip():
        return Fields({})
    if kind == "multipart/form-data":
        return Fields(_nested(_multipart(request, body)), as_texts=True)
    if kind == "application/x-www-form-urlencoded" and not body.lstrip().startswith(b"{"):
        return Fields(_nested(_urlencoded(body)), as_texts=True)
    # What is no form is read as JSON under any name: `curl -d '{…}'` says that it is a form.
    return Fields(json_api.parse_object(body))


# --- Private -----------------------------------------------------------------------------------


def _body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig as error:
        raise ApiError(413, "The request body is larger than this installation allows.") from error
    except (OSError, RawPostDataException) as error:
        raise ApiError(400, "The request body could not be read to its end.") from error


def _urlencoded(body: bytes) -> MultiValueDict[str, str]:
    try:
        return QueryDict(body, encoding="utf-8")
    except TooManyFieldsSent as error:
        raise ApiError(400, "The form has too many fields.") from error


def _multipart(request: HttpRequest, body: bytes) -> MultiValueDict[str, str]:
    # By hand: Django reads forms of POST alone.
    try:
        fields, files = request.parse_file_upload(request.META, BytesIO(body))
    except (MultiPartParserError, TooManyFieldsSent, TooManyFilesSent, RequestDataTooBig) as error:
        raise ApiError(400, f"The form cannot be read: {error}") from error
    if files:
        raise ApiError(400, f"{min(files)}: files are not taken here.")
    return fields


def _nested(form: MultiValueDict[str, str]) -> dict[str, Any]:
    """``a[b][0]=x`` as nested values, ``a=x&a=y`` and ``a[]=x`` as lists."""
    root: dict[str, Any] = {}
    for name, values in form.lists():
        match = _NAME.fullmatch(name)
        if match is None:
            raise ApiError(400, f"The name of the field {name[:100]!r} cannot be read.")
        parts = [match[1], *_PART.findall(match[2])]
        if len(parts) > DEEPEST_NAME:
            raise Invalid(match[1], f"is nested more than {DEEPEST_NAME} levels deep.")
        _put(root, parts, list(values))
    nested = {key: _lists(value) for key, value in root.items()}
    json_api.check(nested)
    return nested


def _put(root: dict[str, Any], parts: list[str], values: list[str]) -> None:
    node = root
    as_list = parts[-1] == "" and len(parts) > 1
    if as_list:
        parts = parts[:-1]
    for part in parts[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise Invalid(parts[0], "is given as a value and as an object.")
    last = parts[-1]
    if isinstance(node.get(last), dict):
        raise Invalid(parts[0], "is given as a value and as an object.")
    earlier = node.get(last)
    if as_list or earlier is not None or len(values) > 1:
        before = earlier if isinstance(earlier, list) else [] if earlier is None else [earlier]
        node[last] = before + values
    else:
        node[last] = values[0] if values else ""


def _lists(value: Any) -> Any:
    """What is numbered from 0 on without a gap is a list."""
    if not isinstance(value, dict):
        return value
    members = {key: _lists(member) for key, member in value.items()}
    if members and all(key.isascii() and key.isdigit() and len(key) < 6 for key in members):
        numbered = {int(key): member for key, member in members.items()}
        return [numbered[place] for place in sorted(numbered)]
    return members


def _whole_or_as_it_is(value: Any) -> Any:
    """To JSON Schema, and to some clients, 3.0 is a whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(name: str, value: Any, most: int) -> str:
    value = _whole_or_as_it_is(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Invalid(name, "expected a text.")
    if isinstance(value, int) and abs(value) >= 10**18:
        raise Invalid(name, "the number is too large.")
    text = str(value)
    if "\x00" in text:
        raise Invalid(name, "the NUL character is not allowed.")
    if len(text) > most:
        raise Invalid(name, f"is longer than {most} characters.")
    return text


def _json_text(name: str, text: str) -> Any:
    if not text.strip():
        return None
    try:
        return json_api.parse(text)
    except json_api.InvalidJson as error:
        raise Invalid(name, str(error)) from error
