"""A statement of credits as CSV (RFC 4180). Pure."""

import csv
import io

from cutroom.store.entries import ACCOUNTS, Statement

# A spreadsheet takes a cell that begins so for a formula and runs it, the wide forms too (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def to_csv(statement: Statement) -> str:
    """Its entries, oldest first, between an opening and a closing balance; in each line `granted` is the sum of the accounts."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["at", "entry", "operation_id", "job_id", "reason", *ACCOUNTS])
    rows.writerow([statement.since.isoformat(), "opening balance", "", "", "", *statement.opening.values()])
    for entry in statement.entries:
        said = [entry.phase, entry.operation_id, entry.job_id or "", entry.reason]
        rows.writerow([entry.at.isoformat(), *(_text(cell) for cell in said), *entry.amounts.values()])
    rows.writerow([statement.until.isoformat(), "closing balance", "", "", "", *statement.closing.values()])
    return out.getvalue()


def _text(cell: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would run it."""
    return f"'{cell}" if cell.lstrip().startswith(FORMULA_STARTS) else cell
