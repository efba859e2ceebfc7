"""The best customers and how cohorts come back, from the sales that "Daily revenue" left."""

import os
import sqlite3
from collections import Counter, defaultdict
from pathlib import Path

FOLDER = Path(os.environ["TUTTI_PROJECT_FILES"]) / "sales"
TARGET = FOLDER / "insights.sqlite"

unfinished = TARGET.with_suffix(f".{os.getpid()}")
unfinished.unlink(missing_ok=True)
database = sqlite3.connect(unfinished)
database.execute("ATTACH ? AS revenue", [str(FOLDER / "revenue.sqlite")])

print("Ranking customers by what they spent")
with database:
    database.execute(
        "CREATE TABLE top_customers AS SELECT customer_id, name, region, segment, count(*) AS orders,"
        " round(sum(amount), 2) AS spent, max(day) AS last_order FROM revenue.sales"
        " GROUP BY customer_id ORDER BY spent DESC LIMIT 50"
    )
for name, region, spent in database.execute("SELECT name, region, spent FROM top_customers LIMIT 3"):
    print(f"{name} ({region}): {spent:,.2f} EUR")

print("Grouping customers by the month of their first order")
months: dict[str, set[str]] = defaultdict(set)
for customer, day in database.execute("SELECT customer_id, day FROM revenue.sales"):
    months[customer].add(day[:7])
sizes = Counter(min(seen) for seen in months.values())
back: Counter[tuple[str, str]] = Counter()
for seen in months.values():
    back.update((min(seen), month) for month in seen)

with database:
    database.execute("CREATE TABLE cohorts (first_month TEXT, month TEXT, customers INTEGER, share REAL)")
    database.executemany(
        "INSERT INTO cohorts VALUES (?, ?, ?, ?)",
        [(first, month, count, round(count / sizes[first], 4)) for (first, month), count in sorted(back.items())],
    )
database.close()
unfinished.replace(TARGET)
print(f"{len(sizes)} cohorts of {sum(sizes.values())} customers; wrote {TARGET.name}")
