"""The morning report: one HTML page and one CSV file in the project's files."""

import csv
import html
import os
import sqlite3
from pathlib import Path

FILES = Path(os.environ["TUTTI_PROJECT_FILES"])
REPORTS = FILES / "reports"
REPORTS.mkdir(parents=True, exist_ok=True)


def read(name: str, query: str) -> tuple[list[str], list[tuple[object, ...]]]:
    database = sqlite3.connect(FILES / "sales" / f"{name}.sqlite")
    cursor = database.execute(query)
    columns = [column[0].replace("_", " ") for column in cursor.description]
    rows = cursor.fetchall()
    database.close()
    return columns, rows


def table(title: str, columns: list[str], rows: list[tuple[object, ...]]) -> str:
    def line(tag: str, values: list[object]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(value))}</{tag}>" for value in values) + "</tr>"

    body = "\n".join(line("td", list(row)) for row in rows)
    return f"<h2>{html.escape(title)}</h2>\n<table>\n{line('th', list(columns))}\n{body}\n</table>\n"


def publish(name: str, text: str) -> None:
    unfinished = REPORTS / f"{name}.{os.getpid()}"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(REPORTS / name)
    print(f"Wrote reports/{name}: {len(text):,} characters")


week = read(
    "revenue",
    "SELECT region, round(sum(revenue), 2) AS revenue, sum(orders) AS orders FROM daily_revenue"
    " WHERE day > (SELECT date(max(day), '-7 days') FROM daily_revenue) GROUP BY region ORDER BY revenue DESC",
)
values = read(
    "revenue", "SELECT region, round(mean, 2) AS mean, round(low, 2) AS low, round(high, 2) AS high FROM order_value"
)
customers = read("insights", "SELECT name, region, segment, orders, spent, last_order FROM top_customers LIMIT 10")
cohorts = read("insights", "SELECT first_month, month, customers, share FROM cohorts ORDER BY first_month, month")

publish(
    "daily_sales.html",
    '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Daily sales</title>\n<h1>Daily sales</h1>\n'
    + table("The last seven days", *week)
    + table("Order value", *values)
    + table("Best customers", *customers)
    + table("Customers who came back", *cohorts),
)

columns, rows = read(
    "revenue", "SELECT day, region, revenue, orders, last_seven_days FROM daily_revenue ORDER BY day, region"
)
unfinished = REPORTS / f"daily_revenue.csv.{os.getpid()}"
with unfinished.open("w", encoding="utf-8", newline="") as file:
    csv.writer(file).writerows([columns, *rows])
unfinished.replace(REPORTS / "daily_revenue.csv")
print(f"Wrote reports/daily_revenue.csv: {len(rows)} rows")
