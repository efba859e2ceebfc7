"""What runs: accounts, projects, tokens, configurations, orchestrations."""
