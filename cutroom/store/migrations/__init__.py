"""The way from an empty database to `cutroom.store.tables`, step by step. Run by `cutroom.store.migrate`."""
