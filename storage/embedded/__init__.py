"""PostgreSQL and Valkey from wheels, under our own supervision, for a checkout with no servers."""
