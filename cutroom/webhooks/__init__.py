"""Telling customers' systems what happened: names of events, signatures, and one careful POST. Knows no database."""
