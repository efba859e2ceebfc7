"""Customers of the CRM, cleaned: no doubles, tidy names and countries, unusable addresses left empty."""

import csv
import os
import re
import sqlite3
from pathlib import Path

SOURCE = Path("{demo_data}") / "customers.csv"
TARGET = Path(os.environ["TUTTI_PROJECT_FILES"]) / "sales" / "customers.sqlite"
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}")

customers: dict[str, tuple[str, ...]] = {}
rows = 0
print(f"Reading {SOURCE.name}")
with SOURCE.open(encoding="utf-8", newline="") as file:
    for rows, row in enumerate(csv.DictReader(file), start=1):
        if rows % 500 == 0:
            print(f"{rows} rows read")
        usable = ADDRESS.fullmatch(row["email"]) is not None
        customers[row["customer_id"]] = (
            row["customer_id"],
            " ".join(row["name"].split()),
            row["email"] if usable else "",
            row["country"].upper(),
            row["region"],
            row["signed_up_on"],
            row["segment"],
        )
unusable = sum(not customer[2] for customer in customers.values())
print(f"{rows} rows, {len(customers)} customers, {rows - len(customers)} doubles left out")
print(f"{unusable} customers have no usable e-mail address")

# Written beside and renamed: whoever reads the file sees a whole one.
TARGET.parent.mkdir(parents=True, exist_ok=True)
unfinished = TARGET.with_suffix(f".{os.getpid()}")
unfinished.unlink(missing_ok=True)
database = sqlite3.connect(unfinished)
with database:
    database.execute(
        "CREATE TABLE customers (customer_id TEXT PRIMARY KEY, name TEXT, email TEXT, country TEXT, region TEXT,"
        " signed_up_on TEXT, segment TEXT)"
    )
    database.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)", customers.values())
database.close()
unfinished.replace(TARGET)
print(f"Wrote {TARGET.name}: {TARGET.stat().st_size // 1024} KiB")
