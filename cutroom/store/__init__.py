"""Postgres and the object store: tables, repositories (all SQL is here), migrations, artifacts, outbox."""
