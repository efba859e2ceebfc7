"""Secrets are kept encrypted, bound to their project, and never shown."""

import json
from typing import Any

import pytest

from orchestrations.lib import secrets
from orchestrations.lib.secrets import SecretUnreadable

KEY = "first-key-" + "x" * 30
OTHER_KEY = "other-key-" + "y" * 30
DOCUMENT = {
    "parameters": {
        "user": "ann",
        "#password": "hunter2",
        "list": [{"#token": "t0ken", "name": "a"}, {"name": "b"}],
        "#keys": {"a": "left", "b": ["right", 5]},
        "#empty": "",
        "#none": None,
    }
}


def test_every_value_under_a_hash_key_is_encrypted_and_nothing_else() -> None:
    encrypted = secrets.encrypt_document(DOCUMENT, "1", KEY)

    text = json.dumps(encrypted)
    assert not any(secret in text for secret in ("hunter2", "t0ken", "left", "right"))
    assert encrypted["parameters"]["user"] == "ann"
    assert encrypted["parameters"]["list"][0]["name"] == "a"
    assert encrypted["parameters"]["#empty"] == ""
    assert encrypted["parameters"]["#none"] is None
    assert secrets.is_encrypted(encrypted["parameters"]["#keys"])


def test_decrypting_gives_the_document_back_with_its_secrets_longest_first() -> None:
    encrypted = secrets.encrypt_document(DOCUMENT, "1", KEY)

    decrypted, texts = secrets.decrypt_document(encrypted, "1", KEY)

    assert decrypted == DOCUMENT
    assert texts == ["hunter2", "right", "t0ken", "left", "5"]


def test_the_document_given_is_never_changed() -> None:
    before = json.dumps(DOCUMENT)

    secrets.encrypt_document(DOCUMENT, "1", KEY)
    secrets.mask_document(DOCUMENT)

    assert json.dumps(DOCUMENT) == before


def test_the_same_secret_twice_does_not_look_the_same() -> None:
    encrypted = secrets.encrypt_document({"#a": "same", "#b": "same"}, "1", KEY)

    assert encrypted["#a"] != encrypted["#b"]


def test_a_secret_not_encrypted_yet_is_masked_too() -> None:
    _, texts = secrets.decrypt_document({"#a": "plain"}, "1", KEY)

    assert texts == ["plain"]


def test_the_lines_of_a_long_secret_are_masked_each() -> None:
    _, texts = secrets.decrypt_document({"#key": "-----BEGIN-----\nMIIEvQIBADAN\nab\n"}, "1", KEY)

    assert texts == ["-----BEGIN-----\nMIIEvQIBADAN\nab\n", "-----BEGIN-----", "MIIEvQIBADAN"]


def test_encrypting_twice_changes_nothing() -> None:
    encrypted = secrets.encrypt_document(DOCUMENT, "1", KEY)

    assert secrets.encrypt_document(encrypted, "1", KEY) == encrypted


def test_a_ciphertext_copied_to_another_project_is_refused_when_saved_and_when_read() -> None:
    encrypted = secrets.encrypt_document({"p": {"#password": "hunter2"}}, "1", KEY)
    sentence = "p.#password: the secret was encrypted for another project; enter it again."

    with pytest.raises(SecretUnreadable) as read:
        secrets.decrypt_document(encrypted, "2", KEY)
    with pytest.raises(SecretUnreadable) as saved:
        secrets.encrypt_document(encrypted, "2", KEY)

    assert str(read.value) == str(saved.value) == sentence


@pytest.mark.parametrize("damage", [lambda text: text[:-4], lambda text: "tutti:v1:", lambda text: "tutti:v1:é"])
def test_a_damaged_secret_names_its_field(damage: Any) -> None:
    encrypted = secrets.encrypt_document({"list": [{"#a": "hunter2"}]}, "1", KEY)
    encrypted["list"][0]["#a"] = damage(encrypted["list"][0]["#a"])

    with pytest.raises(SecretUnreadable, match=r"^list\[0\]\.#a: the secret cannot be decrypted"):
        secrets.decrypt_document(encrypted, "1", KEY)


def test_a_new_key_encrypts_while_the_old_one_still_decrypts() -> None:
    old = secrets.encrypt_document({"#a": "hunter2"}, "1", KEY)

    new = secrets.encrypt_document({"#a": "hunter2"}, "1", [OTHER_KEY, KEY])

    assert secrets.decrypt_document(old, "1", [OTHER_KEY, KEY])[0] == {"#a": "hunter2"}
    assert secrets.decrypt_document(new, "1", OTHER_KEY)[0] == {"#a": "hunter2"}
    with pytest.raises(SecretUnreadable):
        secrets.decrypt_document(new, "1", KEY)


@pytest.mark.parametrize("keys", ["short", [], [KEY, "short"]])
def test_a_key_that_is_too_short_is_refused(keys: Any) -> None:
    with pytest.raises(ValueError, match="at least 32 characters"):
        secrets.encrypt_document({}, "1", keys)


def test_a_mask_shows_that_a_secret_is_set_and_nothing_of_it() -> None:
    encrypted = secrets.encrypt_document(DOCUMENT, "1", KEY)

    assert secrets.mask_document(encrypted) == secrets.mask_document(DOCUMENT)
    assert secrets.mask_document(DOCUMENT)["parameters"] == {
        "user": "ann",
        "#password": "*****",
        "list": [{"#token": "*****", "name": "a"}, {"name": "b"}],
        "#keys": "*****",
        "#empty": "",
        "#none": None,
    }


def test_a_mask_sent_back_keeps_the_stored_secret() -> None:
    stored = secrets.encrypt_document(DOCUMENT, "1", KEY)
    form = secrets.mask_document(stored)
    form["parameters"]["user"] = "bob"
    form["parameters"]["#keys"] = "new"

    merged = secrets.merge_masked(form, stored)

    kept = stored["parameters"]
    assert merged["parameters"] == {**kept, "user": "bob", "#keys": "new"}


def test_a_mask_without_a_stored_secret_is_refused() -> None:
    with pytest.raises(SecretUnreadable, match=r"^a\.#b: "):
        secrets.merge_masked({"a": {"#b": "*****"}}, {"a": {"#b": ""}})
    with pytest.raises(SecretUnreadable, match=r"^#b: "):
        secrets.encrypt_document({"#b": "*****"}, "1", KEY)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ([{"n": 2, "#s": "*****"}, {"n": 1, "#s": "*****"}], ["two", "one"]),
        ([{"n": 2, "#s": "*****"}], ["two"]),
        ([{"n": 1, "#s": "*****"}, {"n": 3, "#s": "*****"}], ["one", "two"]),
        ([{"n": 0, "#s": "new"}, {"n": 1, "#s": "*****"}, {"n": 2, "#s": "*****"}], ["new", "one", "two"]),
    ],
    ids=["swapped", "first deleted", "second renamed", "one put before"],
)
def test_secrets_in_a_list_stay_with_their_item(new: list[Any], expected: list[str]) -> None:
    old = [{"n": 1, "#s": "one"}, {"n": 2, "#s": "two"}]

    merged = secrets.merge_masked(new, old)

    assert [member["#s"] for member in merged] == expected


def test_what_replaces_a_newer_version_keeps_its_secrets_unless_they_were_typed_anew() -> None:
    def stored(document: Any) -> Any:
        return secrets.encrypt_document(document, "project:1", KEY)

    base = stored({"#password": "old", "#key": "old", "tasks": [{"id": 1, "#t": "a"}, {"id": 2, "#t": "b"}]})
    rotated = stored({"#password": "rotated", "tasks": [{"id": 2, "#t": "B"}, {"id": 1, "#t": "A"}]})
    typed = stored({"#key": "typed"})
    mine = {**base, "host": "new", "#key": typed["#key"], "tasks": base["tasks"][:1]}

    kept = secrets.keep_newest(mine, base, rotated)

    plain, _ = secrets.decrypt_document(kept, "project:1", KEY)
    assert plain == {"host": "new", "#password": "rotated", "#key": "typed", "tasks": [{"id": 1, "#t": "A"}]}


def test_a_secret_that_the_newer_version_has_no_more_stays_as_it_was() -> None:
    base = secrets.encrypt_document({"#password": "old"}, "project:1", KEY)

    assert secrets.keep_newest(base, base, {}) == base
