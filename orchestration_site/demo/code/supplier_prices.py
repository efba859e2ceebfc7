"""Purchase prices from the suppliers' feed, checked row by row; nothing is stored unless every row is good."""

import csv
import os
import sqlite3
import sys
from pathlib import Path

FOLDER = Path(os.environ["TUTTI_PROJECT_FILES"]) / "suppliers"
FEED = FOLDER / "supplier_prices.csv"

prices: list[tuple[str, str, str, float, int]] = []
with FEED.open(encoding="utf-8", newline="") as file:
    for number, row in enumerate(csv.DictReader(file), start=2):
        if number % 200 == 0:
            print(f"{number} rows checked")
        try:
            price = float(row["unit_price"].replace(",", ""))
        except ValueError:
            sys.exit(f'{FEED.name}, row {number} ({row["sku"]}): the price "{row["unit_price"]}" is not a number.')
        prices.append((row["sku"], row["product"], row["supplier"], price, int(row["in_stock"])))

database = sqlite3.connect(FOLDER / "prices.sqlite")
with database:
    database.execute("DROP TABLE IF EXISTS prices")
    database.execute(
        "CREATE TABLE prices (sku TEXT PRIMARY KEY, product TEXT, supplier TEXT, price REAL, in_stock INTEGER)"
    )
    database.executemany("INSERT INTO prices VALUES (?, ?, ?, ?, ?)", prices)
database.close()
print(f"Stored {len(prices)} prices")
