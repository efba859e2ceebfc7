"""Drafts of real orchestrations: opened from a version, saved as the next one. What is stored of secrets never leaves
here: a draft holds masks in their places, and only what was just typed in encrypted form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from orchestrations import documents, drafts, editing
from orchestrations.access import Actor
from orchestrations.components.catalogue import UnknownComponent
from orchestrations.documents import InvalidConfiguration
from orchestrations.drafts import Draft, Refused
from orchestrations.editing import Content
from orchestrations.lib import json_api
from orchestrations.lib.secrets import SecretUnreadable, encrypt_document, keep_newest, mask_document, merge_masked
from orchestrations.models import Configuration

CHANGE = "Update orchestration tasks"


def open_draft(orchestration: Configuration, base: int) -> Draft:
    """The draft of this version, its secrets masked."""
    return drafts.read(mask_document(document_of(orchestration, base)))


def document_of(orchestration: Configuration, version: int) -> dict[str, Any]:
    """As this version has it; the newest when there is no such version."""
    if version != orchestration.version:
        old = orchestration.versions.filter(version=version).values_list("document", flat=True).first()
        if old is not None:
            return old
    return orchestration.document


def set_parameters(orchestration: Configuration, draft: Draft, key: str, name: str, text: str) -> Draft:
    """``text``: JSON as it was typed, nothing at all for no parameters. Raises Refused."""
    old = draft.task(key).parameters
    try:
        typed = json_api.parse_object(text, limit_bytes=settings.PARAMETERS_LIMIT_BYTES) if text.strip() else {}
        scope = documents.secrets_scope(orchestration.project_id)
        new = encrypt_document(merge_masked(typed, old), scope, settings.ENCRYPTION_KEYS, keep_masks=True)
    except (json_api.InvalidJson, SecretUnreadable) as error:
        raise Refused(str(error)) from error
    return drafts.set_parameters(draft, key, name, new)


def store(
    orchestration: Configuration, draft: Draft, *, base: int, over: int | None = None, actor: Actor, now: datetime
) -> bool:
    """One new version; False when there was nothing to save, or when it stands there already.

    ``over``: the version that the person has seen and will replace. Raises StaleEdit, InvalidConfiguration, Denied.
    """
    old = document_of(orchestration, base)
    written = drafts.write(draft)
    if over is None and written == drafts.write(drafts.read(mask_document(old))):
        return False
    if over is None and old == orchestration.document:
        # Only its name or its switch has changed since: nothing of theirs can be lost.
        base = orchestration.version
    try:
        document = _with_secrets(written, old)
        if over is not None:
            document = keep_newest(document, old, document_of(orchestration, over))
        if document == orchestration.document:
            return False
        editing.update(
            orchestration,
            Content(document=document),
            actor=actor,
            now=now,
            expected_version=over or base,
            change_description=CHANGE,
        )
    except (SecretUnreadable, UnknownComponent) as error:
        raise InvalidConfiguration(str(error)) from error
    return True


def _with_secrets(new: dict[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Phases and tasks are found again by their ids: merging lists by place would give a secret to another task."""
    merged: dict[str, Any] = merge_masked({**new, "phases": [], "tasks": []}, old)
    for part in ("phases", "tasks"):
        known = {str(each["id"]): each for each in old.get(part) or []}
        merged[part] = [merge_masked(each, known.get(str(each["id"]), {})) for each in new[part]]
    return merged
