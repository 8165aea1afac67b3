"""The embedded stack: PostgreSQL, Temporal and an S3 gateway on one machine, and the supervisor over all processes."""
