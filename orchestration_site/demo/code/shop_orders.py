"""Orders of the shop, cleaned: no doubles, amounts in euro, kept as one SQLite file."""

import csv
import os
import sqlite3
from datetime import datetime
from pathlib import Path

SOURCE = Path("{demo_data}") / "orders.csv"
TARGET = Path(os.environ["TUTTI_PROJECT_FILES"]) / "sales" / "orders.sqlite"
CROWNS_PER_EURO = 24.6


def euros(amount: str, currency: str) -> float:
    value = float(amount.replace(",", "."))
    return round(value / CROWNS_PER_EURO, 2) if currency == "CZK" else value


orders: dict[str, tuple[str, str, str, str, float, str]] = {}
without_amount: list[str] = []
rows = 0
print(f"Reading {SOURCE.name}")
with SOURCE.open(encoding="utf-8", newline="") as file:
    for rows, row in enumerate(csv.DictReader(file), start=1):
        if rows % 5000 == 0:
            print(f"{rows} rows read")
        if not row["amount"]:
            without_amount.append(row["order_id"])
            continue
        day = datetime.fromisoformat(row["ordered_at"]).date().isoformat()
        amount = euros(row["amount"], row["currency"])
        orders[row["order_id"]] = (row["order_id"], row["customer_id"], day, row["status"], amount, row["channel"])

print(f"{rows} rows, {len(orders)} orders, {rows - len(orders) - len(without_amount)} doubles left out")
print(f"{len(without_amount)} orders without an amount left out: {', '.join(without_amount[:5])} …")

# Written beside and renamed: whoever reads the file sees a whole one.
TARGET.parent.mkdir(parents=True, exist_ok=True)
unfinished = TARGET.with_suffix(f".{os.getpid()}")
unfinished.unlink(missing_ok=True)
database = sqlite3.connect(unfinished)
with database:
    database.execute(
        "CREATE TABLE orders (order_id TEXT PRIMARY KEY, customer_id TEXT, day TEXT, status TEXT, amount REAL,"
        " channel TEXT)"
    )
    database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", orders.values())
    database.execute("CREATE INDEX orders_by_customer ON orders (customer_id)")
database.close()
unfinished.replace(TARGET)
print(f"Wrote {TARGET.name}: {TARGET.stat().st_size // 1024} KiB")
