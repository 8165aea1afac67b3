"""Orchestration only, deterministic: what happens, in which order, and what is undone on the way out."""
