"""Does it: jobs, their events and logs, and everything that moves them."""
