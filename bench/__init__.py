"""Speed and quality of the media engine, beside the machine's limit and other tools in the same run. See `__main__`."""
