"""A reason to wait (R7) as one sentence with one link."""

from __future__ import annotations

from datetime import datetime, tzinfo

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.waiting import WaitReason
from orchestrations.lib.durations import clock_words


def sentence(reason: WaitReason, *, project_id: int, now: datetime, zone: tzinfo) -> SafeString:
    """ "Job 12 of the same configuration is processing since 14:00, until about 14:24." """
    since = clock_words(reason.since, now, zone) if reason.since is not None else ""
    until = clock_words(reason.eta, now, zone) if reason.eta is not None else ""
    when = (f" since {since}" if since else "") + (f", until about {until}" if until and until != since else "")
    text = reason.text.removesuffix(".")
    if reason.job_id is None:
        return format_html("{}{}.", text, when)
    words = f"Job {reason.job_id}"
    link = format_html('<a href="{}">{}</a>', reverse("job", args=[project_id, reason.job_id]), words)
    before, found, after = text.partition(words)
    if not found:
        return format_html("{}{} ({} is the oldest of them).", text, when, link)
    return format_html("{}{}{}{}.", before, link, after, when)


def of_task(name: str, words: SafeString) -> SafeString:
    """The same of a run whose task it is: "Orders waits: ..." """
    return format_html("{} waits: {}", name, words)
