"""The only part of cutroom that knows Temporal: connection, data converter, starting and signalling by name, workers."""
