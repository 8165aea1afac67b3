"""The CPU workers: control, outbound and media, three processes with three sets of rights. None loads a model library."""
