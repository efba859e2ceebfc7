"""``make bench``: the numbers of DESIGN §7, on SQLite and PostgreSQL in one run, beside a bare loop (README)."""
