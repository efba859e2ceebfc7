"""What people and programs are told of a job: mails in the recipient's zone, chats, and the webhook of API.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from jobs.models import Cause, Delivery, Job, Notice
from jobs.states import SETTLED, JobStatus
from orchestrations.components import catalogue
from orchestrations.components.catalogue import UnknownComponent
from orchestrations.lib.durations import duration_words, moment_title, rough_words
from orchestrations.models import Channel, EventType

TASKS_SHOWN = 20
SUBJECTS = {
    EventType.FAILED: "Failed: {name}",
    EventType.WARNING: "Ended with a warning: {name}",
    EventType.SUCCEEDED: "Succeeded: {name}",
    EventType.LONG: "Takes longer than usual: {name}",
}


@dataclass(frozen=True, kw_only=True)
class ToldTask:
    """A job below the run that did not end in success."""

    name: str
    status: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happened, read once for all recipients of a notice."""

    notice: Notice
    job: Job
    url: str
    component_name: str
    tasks: Sequence[Job]

    @property
    def event(self) -> EventType:
        return EventType(self.notice.event)

    @property
    def seconds(self) -> float | None:
        """So far, when it still runs."""
        if self.job.started_at is None:
            return None
        end = self.job.finished_at or self.notice.at
        return float((end - self.job.started_at).total_seconds())

    @property
    def not_good(self) -> list[ToldTask]:
        return [
            ToldTask(name=each.name, status=each.status, message=each.message.strip().split("\n")[0][:500])
            for each in self.tasks
            if each.status in SETTLED and each.status != JobStatus.SUCCESS
        ][:TASKS_SHOWN]


def story_of(notice: Notice) -> Story:
    """Two queries at most."""
    job = notice.job
    try:
        component = catalogue.get(job.component_id).name
    except UnknownComponent:
        component = job.component_id
    tasks = list(job.children.order_by("pk").defer("request", "result")) if job.is_run else []
    return Story(notice=notice, job=job, url=address_of(job), component_name=component, tasks=tasks)


def address_of(job: Job) -> str:
    return f"{origin()}{reverse('job', args=[job.project_id, job.pk])}"


def origin() -> str:
    """Where people reach this site; there is no request to take it from."""
    return str(settings.PUBLIC_URL or f"http://{settings.BIND}")


def write(delivery: Delivery, story: Story) -> None:
    """Fill in what the delivery says."""
    if delivery.channel == Channel.WEBHOOK:
        delivery.payload = payload_of(story, delivery.message_id)
        return
    zone = delivery.user.time_zone if delivery.user is not None and delivery.user.time_zone else UTC
    context = _context(story, zone, delivery)
    delivery.subject = _on_one_line(SUBJECTS[story.event].format(name=story.job.name))
    delivery.text = render_to_string("emails/job.txt", context).strip() + "\n"
    if delivery.channel == Channel.EMAIL:
        delivery.html = render_to_string("emails/job.html", context)


def write_test(delivery: Delivery, what: str) -> None:
    """A message that only shows that it arrives; ``what`` says what it stands for."""
    sentence = f"This is a test: messages about {what} reach this address."
    if delivery.channel == Channel.WEBHOOK:
        delivery.payload = {"eventType": "test", "uniqueId": delivery.message_id, "message": sentence}
        return
    delivery.subject = _on_one_line(f"Test: {what}")
    delivery.text = f"{sentence}\n\n{origin()}/\n"


def _on_one_line(subject: str) -> str:
    """Names may have several; headers of mails must not."""
    return " ".join(subject.split())[:255]


def payload_of(story: Story, unique_id: str) -> dict[str, Any]:
    job, notice = story.job, story.notice
    configuration = job.configuration
    payload: dict[str, Any] = {
        "eventType": notice.event,
        "uniqueId": unique_id,
        "job": {
            "id": str(job.pk),
            "url": story.url,
            "component": {"id": job.component_id, "name": story.component_name},
            "configuration": {"id": configuration.key if configuration else None, "name": job.name},
            "startTime": _moment(job.started_at),
            "endTime": _moment(job.finished_at),
            "tasks": [
                {"id": each.task_key, "name": each.name, "status": each.status, "jobId": str(each.pk)}
                for each in story.tasks
            ],
        },
        "project": {"id": str(job.project_id), "name": job.project.name},
        "branch": {"id": "default"},
    }
    if notice.event == EventType.FAILED:
        payload["errorMessage"] = job.message
    if notice.event == EventType.LONG:
        payload["averageDuration"] = notice.usual_seconds
        payload["currentDuration"] = story.seconds
        payload["durationOvertimePercentage"] = notice.overtime_percent / 100
    return payload


def _context(story: Story, zone: tzinfo, delivery: Delivery) -> dict[str, Any]:
    job = story.job
    return {
        "headline": _headline(story),
        "job": job,
        "url": story.url,
        "project": job.project.name,
        "status": job.status,
        "is_long": story.event == EventType.LONG,
        "by": _by(job),
        "started": moment_title(job.started_at, zone) if job.started_at else "",
        "ended": moment_title(job.finished_at, zone) if job.finished_at else "",
        "duration": duration_words(story.seconds),
        "message": "" if job.is_run and story.not_good else job.message.strip()[:2000],
        "tasks": story.not_good,
        "why": _why(delivery),
        "settings_url": f"{origin()}{reverse('profile')}" if delivery.subscription is None else "",
    }


def _headline(story: Story) -> str:
    name, job = story.job.name, story.job
    if story.event == EventType.LONG:
        usual = rough_words(story.notice.usual_seconds)
        return f"{name} is processing for {rough_words(story.seconds)}; usually it takes {usual}."
    ends = {
        EventType.FAILED: "ended in error",
        EventType.WARNING: "ended with a warning",
        EventType.SUCCEEDED: "ended in success",
    }
    what = "The run of" if job.is_run else "The job of"
    return f"{what} {name} {ends[story.event]}."


def _by(job: Job) -> str:
    if job.cause == Cause.PERSON:
        return f"{job.created_by} by hand" if job.created_by else "somebody by hand"
    return {Cause.SCHEDULE: "a schedule", Cause.TRIGGER: "an event trigger"}.get(Cause(job.cause), "a program")


def _why(delivery: Delivery) -> str:
    if delivery.subscription is None:
        return "You get this because you started it; choose in your profile what such runs mail you."
    subscription = delivery.subscription
    of = subscription.configuration.name if subscription.configuration is not None else "this project"
    return f"You get this because {delivery.address} is among those who are notified about {of}."


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
