"""Who acts: organisations, their members and tokens. The SQL is in cutroom.store.identity."""
