"""The HTTP API: routes, problems and what they share. It starts workflows by name and imports none."""
