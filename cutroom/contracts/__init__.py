"""The frozen models that cross a workflow boundary, and the table of steps. Imports nothing but pydantic."""
