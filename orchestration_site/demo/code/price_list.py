"""The shop's price list: what a product costs us, and a third on top."""

import csv
import os
import sqlite3
from pathlib import Path

FOLDER = Path(os.environ["TUTTI_PROJECT_FILES"]) / "suppliers"

database = sqlite3.connect(FOLDER / "prices.sqlite")
rows = database.execute(
    "SELECT sku, product, round(price * 4 / 3, 2) FROM prices WHERE in_stock > 0 ORDER BY sku"
).fetchall()
database.close()
with (FOLDER / "price_list.csv").open("w", encoding="utf-8", newline="") as file:
    csv.writer(file).writerows([("sku", "product", "price"), *rows])
print(f"{len(rows)} products in the new price list")
