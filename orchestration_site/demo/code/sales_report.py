"""The morning report: one HTML page in the project's files, from the tables that the transformations left."""

import csv
import html
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

REPORTS = Path(os.environ["TUTTI_PROJECT_FILES"]) / "reports"
SHOWN = 10


def read(name: str) -> list[dict[str, str]]:
    with open(f"in/tables/{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(title: str, rows: list[dict[str, str]]) -> str:
    def line(tag: str, values: Iterable[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(value)}</{tag}>" for value in values) + "</tr>"

    names = [name.replace("_", " ") for name in rows[0]]
    body = "\n".join(line("td", row.values()) for row in rows)
    return f"<h2>{html.escape(title)}</h2>\n<table>\n{line('th', names)}\n{body}\n</table>\n"


def last_week(days: list[dict[str, str]]) -> list[dict[str, str]]:
    """What each region took in the last seven days of the data."""
    wanted = sorted({row["day"] for row in days})[-7:]
    totals: dict[str, float] = defaultdict(float)
    for row in days:
        if row["day"] in wanted:
            totals[row["region"]] += float(row["revenue"])
    best = sorted(totals.items(), key=lambda total: -total[1])
    return [{"region": region, "revenue": f"{revenue:,.2f}"} for region, revenue in best]


week = last_week(read("daily_revenue"))
for row in week:
    print(f"{row['region']}: {row['revenue']} EUR in the last seven days")
page = (
    '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Daily sales</title>\n<h1>Daily sales</h1>\n'
    + table("The last seven days", week)
    + table("Against the plan, in percent", read("plan_fulfilment"))
    + table("Best customers", read("top_customers")[:SHOWN])
    + table("Customers who came back, in percent", read("cohorts"))
)

# Written beside and renamed: whoever opens the page sees a whole one.
REPORTS.mkdir(parents=True, exist_ok=True)
unfinished = REPORTS / f"daily_sales.{os.getpid()}"
unfinished.write_text(page, encoding="utf-8")
unfinished.replace(REPORTS / "daily_sales.html")
print(f"Wrote reports/daily_sales.html: {len(page):,} characters")
