"""The embedded stack: PostgreSQL, Temporal and an S3 gateway on one machine, and the supervisor that keeps them and Cutroom's own processes."""
