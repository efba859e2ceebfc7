"""The scheduler process: a loop that fires what is due, and housekeeping in threads beside it."""
