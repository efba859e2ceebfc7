"""The few tags of the pages. Small pieces are built here, not by `{% include %}`: a list draws hundreds of them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from html import escape as _escaped
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from orchestrations.lib import amounts, durations
from orchestrations.lib.timelines import Bars, Piece

register = template.Library()

STATUS_WORDS = {
    "waiting": "Waiting",
    "processing": "Processing",
    "terminating": "Terminating",
    "success": "Success",
    "warning": "Warning",
    "error": "Error",
    "terminated": "Terminated",
    "cancelled": "Cancelled",
    "not-executed": "Not executed",
    "partial": "Partial",
    "disabled": "Disabled",
}
KIND_WORDS = {
    "extractor": "Extractor",
    "transformation": "Transformation",
    "writer": "Writer",
    "application": "Application",
    "orchestrator": "Orchestrator",
}
FATE_ICONS = {"error": "close", "terminated": "stop", "not-executed": "", "success": ""}
EMPTY = SafeString("")


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: str = "", turning: bool = False) -> SafeString:
    """A sign of the sprite; `size` is "s" or "l". Decoration: the words stand beside it."""
    classes = "icon" + (f" icon--{size}" if size else "") + (" turning" if turning else "")
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', classes, static("icons.svg"), name
    )


@register.simple_tag
def menu_items(links: Iterable[Mapping[str, Any]]) -> SafeString:
    """Items of a menu: [{icon, words, url, is_dialog, is_danger}]. A list has it in each row."""
    return SafeString("".join(map(_menu_item, links)))


def _menu_item(link: Mapping[str, Any]) -> str:
    classes = "menu__item menu__item--danger" if link["is_danger"] else "menu__item"
    opens = " data-dialog" if link["is_dialog"] else ""
    words = f"{icon(link['icon'])}{_escaped(link['words'])}"
    return f'<li><a class="{classes}" href="{_escaped(link["url"])}"{opens}>{words}</a></li>'


@register.filter
def status_key(value: Any) -> str:
    """The status as `data-status` has it; raises KeyError for one that has no word and no icon."""
    key = str(getattr(value, "value", value)).replace("_", "-")
    STATUS_WORDS[key]
    return key


@register.filter
def status_word(value: Any) -> str:
    """The word of a status: "Not executed"."""
    return STATUS_WORDS[status_key(value)]


@register.simple_tag
@lru_cache(maxsize=256)
def status(value: Any, variant: str = "", word: str = "") -> SafeString:
    """Icon, word and colour; `variant` is "badge" (beside a title) or "bare" (the word is only spoken)."""
    key = status_key(value)
    return format_html(
        '<span class="status{}" data-status="{}">{}<span class="status__word">{}</span></span>',
        f" status--{variant}" if variant else "",
        key,
        icon(f"st-{key}"),
        word or STATUS_WORDS[key],
    )


@register.simple_tag
def fates(cells: Iterable[Any]) -> SafeString:
    """The cells of a row of the score, each with what it says in its title; "absent" is an empty one."""
    return SafeString("".join(_fate(cell) for cell in cells))


def _fate(cell: Any) -> str:
    if cell.status == "absent":
        return "<td></td>"
    key = status_key(cell.status)
    word = STATUS_WORDS[key]
    words = f"{cell.title}: {word}, {cell.more}" if cell.more else f"{cell.title}: {word}"
    return f'<td title="{escape(words)}">{fate_mark(key, word)}</td>'


@register.simple_tag
@lru_cache(maxsize=64)
def fate_mark(key: str, spoken: str = "") -> SafeString:
    """The mark in such a cell; in a legend its word stands beside it."""
    sign = FATE_ICONS.get(key, f"st-{key}")
    return format_html(
        '<span class="score__cell" data-status="{}">{}{}</span>',
        key,
        icon(sign, turning=key == "processing") if sign else "",
        format_html('<span class="visually-hidden">{}</span>', spoken) if spoken else "",
    )


@register.simple_tag
def bars(drawn: Bars) -> SafeString:
    """What a timeline shows of one task: hatched while it waited, solid while it worked, dashed what is expected."""
    pieces = []
    if drawn.waiting:
        pieces += [_box(drawn.waiting, 'fill="url(#hatch)"'), _box(drawn.waiting, 'class="hatch-edge"')]
    if drawn.processing:
        pieces.append(_box(drawn.processing, f'class="fill" data-status="{status_key(drawn.status)}"'))
    if drawn.expected:
        pieces.append(_box(drawn.expected, 'class="hatch-edge" stroke-dasharray="2 2.5"'))
    if drawn.usual_x:
        pieces.append(f'<line class="tick" x1="{drawn.usual_x}" x2="{drawn.usual_x}" y1="11" y2="33"/>')
    return SafeString("".join(pieces))


def _box(piece: Piece, look: str) -> str:
    """Nothing that a person wrote is in it."""
    return f'<rect {look} x="{piece.x}" width="{piece.width}" y="15.5" height="13" rx="2"/>'


@register.simple_tag
@lru_cache(maxsize=64)
def kind(value: str) -> SafeString:
    """The tile of a component's kind, its word for those who do not see the tile."""
    return format_html(
        '<span class="kind" title="{0}">{1}<span class="visually-hidden">{0}</span></span>',
        KIND_WORDS[value],
        icon(f"k-{value}"),
    )


@register.simple_tag
def avatar(name: str, machine: bool = False, large: bool = False) -> SafeString:
    """People are round with their initials, machines (Schedule, Trigger, API) square with one letter."""
    words = name.split("@")[0].replace(".", " ").split() or ["?"]
    letters = words[0][0] if machine or len(words) == 1 else words[0][0] + words[-1][0]
    classes = "avatar" + (" avatar--machine" if machine else "") + (" avatar--l" if large else "")
    return format_html('<span class="{}" title="{}" aria-hidden="true">{}</span>', classes, name, letters.upper())


LONGEST_CELL = 200


@register.simple_tag
def preview_rows(preview: Any) -> SafeString:
    """The rows of a preview (jobs.queries.tables.Preview): thousands of cells, cut short; NULL is told from nothing."""
    starts = ['<td class="num">' if column.is_number else "<td>" for column in preview.columns]
    return SafeString("".join(f"<tr>{''.join(map(_cell, starts, row))}</tr>" for row in preview.rows))


def _cell(start: str, value: str | None) -> str:
    if value is None:
        return f'{start}<span class="grid__null">NULL</span></td>'
    if len(value) <= LONGEST_CELL:
        return f"{start}{escape(value)}</td>"
    return f"{start}{escape(value[:LONGEST_CELL])}…</td>"


@register.filter
def duration(seconds: float | None) -> str:
    """Exact, for columns: "11 min 18 s", "N/A"."""
    return durations.duration_words(seconds)


@register.filter
def rough(seconds: float | None) -> str:
    """For sentences: "24 min"."""
    return durations.rough_words(seconds)


@register.filter
def amount(count: int) -> str:
    """Exact, with thin spaces: "12 480 311"."""
    return amounts.count_words(count)


@register.filter
def size(size_bytes: int) -> str:
    """Of data: "38 MB"."""
    return amounts.size_words(size_bytes)


@register.simple_tag
def moment(when: datetime | None, short: bool = False) -> SafeString:
    """A moment in the viewer's zone, the zone named in the title; `short` leaves out what is clear today."""
    if when is None:
        return format_html('<span class="muted">{}</span>', durations.NOT_AVAILABLE)
    zone = timezone.get_current_timezone()
    words = durations.clock_words(when, timezone.now(), zone) if short else durations.moment_words(when, zone)
    return _time(when, words, zone)


@register.simple_tag
def clock(when: datetime) -> SafeString:
    """Only the time of day, to the second, for the lines of a log."""
    return _clock(when.replace(microsecond=0), timezone.get_current_timezone())


@register.simple_tag
def log_lines(lines: Iterable[Any]) -> SafeString:
    """The lines of a log, each with time, level, source ("" = the job itself) and text; five hundred in one go."""
    zone = timezone.get_current_timezone()
    return SafeString("".join([_log_line(line, zone) for line in lines]))


def _log_line(line: Any, zone: tzinfo) -> str:
    status = "" if line.level == "info" else f' data-status="{line.level}"'
    source = f'<span class="log__source" title="{(name := escape(line.source))}">{name}</span>' if line.source else ""
    words = f'<span class="log__level">{line.level}</span>{source}<p>{escape(line.text)}</p>'
    return f"<li{status}>{_clock(line.at.replace(microsecond=0), zone)}{words}</li>"


@lru_cache(maxsize=1024)
def _clock(second: datetime, zone: tzinfo) -> SafeString:
    """Many lines are of the same second. It has no title: a screen reader would speak that too, in every line."""
    machine = second.astimezone(UTC).isoformat(timespec="seconds")
    return SafeString(f'<time datetime="{machine}">{second.astimezone(zone):%H:%M:%S}</time>')


@register.simple_tag
def ago(when: datetime | None) -> SafeString:
    """How long ago: "2 min ago", "yesterday"; the moment itself is in the title."""
    if when is None:
        return EMPTY
    zone = timezone.get_current_timezone()
    return _time(when, durations.distance_words(when, timezone.now(), zone), zone)


@register.simple_tag
def since(when: datetime | None) -> SafeString:
    """A duration that goes on in the browser; it counts from the seconds gone by here, so its clock may be wrong."""
    if when is None:
        return SafeString(durations.NOT_AVAILABLE)
    seconds = max(0.0, (timezone.now() - when).total_seconds())
    return format_html('<span data-since="{}">{}</span>', f"{seconds:.1f}", durations.duration_words(seconds))


@register.simple_tag
def zone_name() -> str:
    """The name of the zone that every time of the page is shown in."""
    return str(timezone.get_current_timezone())


def _time(when: datetime, words: str, zone: tzinfo) -> SafeString:
    """Nothing that a person wrote is in it."""
    title = durations.moment_title(when, zone)
    machine = when.astimezone(UTC).isoformat(timespec="seconds")
    return SafeString(f'<time datetime="{machine}" title="{title}">{words}</time>')
