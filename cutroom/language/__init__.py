"""What is written about speech: titles, later summaries and hashtags. Offline."""
