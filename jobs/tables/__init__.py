"""The program of tables: the one that opens Delta Lake tables, in a process of its own (README.md beside this file)."""
