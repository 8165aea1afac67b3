"""Prices, quotes and what a job pays. The ledger's SQL is in cutroom.store.ledger."""
