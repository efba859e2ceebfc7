"""Secrets inside JSON documents: every value under a key that begins with `#` is kept encrypted.

The ciphertext is bound to a scope (a project), so a copy of it is worthless elsewhere. Keys are plain texts of at
least KEY_LENGTH characters; the first one encrypts, all of them decrypt.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

KEY_LENGTH = 32
MASK = "*****"
_PREFIX = "tutti:v1:"

Keys = str | Sequence[str]
Change = Callable[[Any, str], Any]


class SecretUnreadable(Exception):
    """A secret that cannot be decrypted here, or a mask with nothing behind it; the text names the field."""


def is_encrypted(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_PREFIX)


def encrypt_document(document: Any, scope: str, keys: Keys, *, keep_masks: bool = False) -> Any:
    """A copy with its secrets encrypted. Those that already are stay as they are, if they can be read in this scope.

    ``keep_masks``: for a draft, whose masks are merged with what is stored when it is saved.
    """
    fernet = _fernet(keys)

    def encrypted(value: Any, path: str) -> Any:
        if is_encrypted(value):
            _decrypted(fernet, value, scope, path)
            return value
        if value == MASK and keep_masks:
            return value
        if value == MASK:
            raise SecretUnreadable(f"{path}: {MASK} stands for a secret, but nothing is stored for it; enter it again.")
        plain = json.dumps([scope, value], ensure_ascii=False)
        return _PREFIX + fernet.encrypt(plain.encode()).decode()

    return _changed(document, encrypted)


def decrypt_document(document: Any, scope: str, keys: Keys) -> tuple[Any, list[str]]:
    """A copy with its secrets readable, and every text that must be masked wherever it appears, longest first."""
    fernet = _fernet(keys)
    texts: set[str] = set()

    def decrypted(value: Any, path: str) -> Any:
        plain = _decrypted(fernet, value, scope, path) if is_encrypted(value) else value
        _collect(plain, texts)
        return plain

    return _changed(document, decrypted), sorted(texts, key=lambda text: (-len(text), text))


def mask_document(document: Any) -> Any:
    """A copy for people and logs: it shows which secrets are set, and nothing of them."""
    return _changed(document, lambda value, path: MASK)


def blank_document(document: Any) -> tuple[Any, list[str]]:
    """A copy with its secrets emptied, for other installations, and the paths of those that were set."""
    paths: list[str] = []

    def emptied(value: Any, path: str) -> str:
        paths.append(path)
        return ""

    return _changed(document, emptied), paths


def merge_masked(new: Any, old: Any) -> Any:
    """`new` as it came back from a form, with the stored secret of `old` wherever the mask was left alone.

    Items of a list are found again by their content, so that moving or deleting one does not give its secret to
    another. Raises SecretUnreadable when nothing is stored behind a mask.
    """
    return _merged(new, old, "")


def keep_newest(document: Any, base: Any, newest: Any) -> Any:
    """``document`` was made from ``base`` and replaces ``newest``: a secret that it only kept is the newest one's.

    No two ciphertexts are alike, so one that stands in ``base`` was not typed anew, wherever it stands now.
    """
    there = dict(_encrypted_in(newest))
    renewed = {old: there[path] for path, old in _encrypted_in(base) if path in there}
    return _changed(document, lambda value, path: renewed.get(value, value) if is_encrypted(value) else value)


def _encrypted_in(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every ciphertext under its place; items of a list that have an id are known by it."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _encrypted_in(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            own = member.get("id", index) if isinstance(member, dict) else index
            yield from _encrypted_in(member, (*path, str(own)))
    elif is_encrypted(value):
        yield path, value


def _changed(value: Any, change: Change, path: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _changed_member(key, member, change, path) for key, member in value.items()}
    if isinstance(value, list):
        return [_changed(member, change, f"{path}[{index}]") for index, member in enumerate(value)]
    return value


def _changed_member(key: str, member: Any, change: Change, path: str) -> Any:
    path = _below(path, key)
    if not key.startswith("#"):
        return _changed(member, change, path)
    return member if _is_nothing(member) else change(member, path)


def _is_nothing(value: Any) -> bool:
    # Left readable: there is nothing to hide, and "is it set?" stays visible.
    return value is None or value in ("", [], {})


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _merged(new: Any, old: Any, path: str) -> Any:
    if isinstance(new, dict):
        known = old if isinstance(old, dict) else {}
        return {key: _merged_member(key, member, known, _below(path, key)) for key, member in new.items()}
    if isinstance(new, list):
        partners = _partners(new, old if isinstance(old, list) else [])
        return [_merged(member, partners[index], f"{path}[{index}]") for index, member in enumerate(new)]
    return new


def _merged_member(key: str, member: Any, old: dict[str, Any], path: str) -> Any:
    if not key.startswith("#") or member != MASK:
        return _merged(member, old.get(key), path)
    if _is_nothing(old.get(key)):
        raise SecretUnreadable(f"{path}: {MASK} stands for a secret, but nothing is stored for it; enter it again.")
    return old[key]


def _partners(new: list[Any], old: list[Any]) -> list[Any]:
    """For each item of `new` the item of `old` it was: the same place or another with the same content, else what
    stands in its place and is nobody else's."""
    masked = [mask_document(member) for member in old]
    free = set(range(len(old)))
    partners: dict[int, int] = {}
    for index, member in enumerate(new):
        same = [place for place in sorted(free) if masked[place] == member]
        if same:
            partners[index] = index if index in same else same[0]
            free.discard(partners[index])
    for index in range(len(new)):
        if index not in partners and index in free:
            partners[index] = index
    return [old[partners[index]] if index in partners else None for index in range(len(new))]


def _decrypted(fernet: MultiFernet, value: str, scope: str, path: str) -> Any:
    try:
        owner, plain = json.loads(fernet.decrypt(value.removeprefix(_PREFIX).encode()))
    except (InvalidToken, ValueError, TypeError) as error:
        raise SecretUnreadable(
            f"{path}: the secret cannot be decrypted with the keys of this installation; enter it again."
        ) from error
    if owner != scope:
        raise SecretUnreadable(f"{path}: the secret was encrypted for another project; enter it again.")
    return plain


def _collect(value: Any, texts: set[str]) -> None:
    if isinstance(value, dict):
        for member in value.values():
            _collect(member, texts)
    elif isinstance(value, list):
        for member in value:
            _collect(member, texts)
    elif not _is_nothing(value) and not isinstance(value, bool):
        text = str(value)
        # Logs are masked line by line; a private key would pass through them in pieces.
        texts.update({text, *(line.strip() for line in text.splitlines() if len(line.strip()) >= 8)})


@lru_cache(maxsize=8)
def _multi_fernet(keys: tuple[str, ...]) -> MultiFernet:
    if not keys or any(len(key) < KEY_LENGTH for key in keys):
        raise ValueError(f"An encryption key needs at least {KEY_LENGTH} characters.")
    derived = (base64.urlsafe_b64encode(hashlib.sha256(b"tutti.secrets\0" + key.encode()).digest()) for key in keys)
    return MultiFernet([Fernet(key) for key in derived])


def _fernet(keys: Keys) -> MultiFernet:
    return _multi_fernet((keys,) if isinstance(keys, str) else tuple(keys))
