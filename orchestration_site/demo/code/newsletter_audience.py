"""Who gets the newsletter: everybody with a usable address, the wholesale customers in a list of their own."""

import csv
import os
import re
from pathlib import Path

SOURCE = Path(os.environ["TUTTI_DEMO_DATA"]) / "customers.csv"
FOLDER = Path(os.environ["TUTTI_PROJECT_FILES"]) / "audience"
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}")

FOLDER.mkdir(parents=True, exist_ok=True)
with SOURCE.open(encoding="utf-8", newline="") as file:
    customers = {row["customer_id"]: row for row in csv.DictReader(file) if ADDRESS.fullmatch(row["email"])}
print(f"{len(customers)} customers with a usable address")

for name, wholesale in (("newsletter", False), ("wholesale", True)):
    people = [row for row in customers.values() if (row["segment"] == "wholesale") is wholesale]
    unfinished = FOLDER / f"{name}.csv.{os.getpid()}"
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("email", "name"), *((row["email"], row["name"].strip()) for row in people)])
    unfinished.replace(FOLDER / f"{name}.csv")
    print(f"{name}.csv: {len(people)} people")
