"""How tables get into the data folder of a job and out of it again; the program of tables does it (jobs/tables)."""
