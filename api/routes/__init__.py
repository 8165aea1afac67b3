"""One module a noun: each translates, authorises and answers."""
