"""Says when (schedules and triggers)."""
