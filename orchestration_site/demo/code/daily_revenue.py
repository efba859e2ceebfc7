"""Revenue per day and region from the cleaned orders and customers, with how far the averages can be trusted."""

import os
import sqlite3
from pathlib import Path
from random import Random
from statistics import fmean

FOLDER = Path(os.environ["TUTTI_PROJECT_FILES"]) / "sales"
TARGET = FOLDER / "revenue.sqlite"
RESAMPLES = 200

unfinished = TARGET.with_suffix(f".{os.getpid()}")
unfinished.unlink(missing_ok=True)
database = sqlite3.connect(unfinished)
database.execute("ATTACH ? AS shop", [str(FOLDER / "orders.sqlite")])
database.execute("ATTACH ? AS crm", [str(FOLDER / "customers.sqlite")])

print("Joining paid orders with customers")
with database:
    database.execute(
        "CREATE TABLE sales AS SELECT order_id, customer_id, name, region, segment, signed_up_on, day, amount, channel"
        " FROM shop.orders JOIN crm.customers USING (customer_id) WHERE status = 'paid'"
    )
    database.execute("CREATE INDEX sales_by_region ON sales (region, day)")
sales, paid = database.execute(
    "SELECT (SELECT count(*) FROM sales), (SELECT count(*) FROM shop.orders WHERE status = 'paid')"
).fetchone()
print(f"{sales} of {paid} paid orders have a known customer")

print("Revenue per day and region, with the mean of the last seven days")
with database:
    database.execute(
        "CREATE TABLE daily_revenue AS"
        " SELECT day, region, revenue, orders,"
        " avg(revenue) OVER (PARTITION BY region ORDER BY day ROWS 6 PRECEDING) AS last_seven_days"
        " FROM (SELECT day, region, sum(amount) AS revenue, count(*) AS orders FROM sales GROUP BY day, region)"
    )

print(f"Range of the mean order value, from {RESAMPLES} resamples a region")
chance = Random(1)
with database:
    database.execute("CREATE TABLE order_value (region TEXT PRIMARY KEY, mean REAL, low REAL, high REAL)")
    for (region,) in database.execute("SELECT DISTINCT region FROM sales ORDER BY region").fetchall():
        amounts = [amount for (amount,) in database.execute("SELECT amount FROM sales WHERE region = ?", [region])]
        means = sorted(fmean(chance.choices(amounts, k=len(amounts))) for _ in range(RESAMPLES))
        low, high = means[RESAMPLES // 40], means[-RESAMPLES // 40]
        database.execute("INSERT INTO order_value VALUES (?, ?, ?, ?)", [region, fmean(amounts), low, high])
        print(f"{region}: {len(amounts)} orders of {fmean(amounts):.2f} EUR ({low:.2f} to {high:.2f})")
database.close()
unfinished.replace(TARGET)
print(f"Wrote {TARGET.name}")
