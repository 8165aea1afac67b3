"""The page of who answers for credits, and for what people got for them."""

from panels import NONE_IS_WELL, Column, Json, Query, lines, page, row, stat, table


def dashboard() -> Json:
    mode = '{mode="$mode"}'
    failed = 'cutroom_jobs_ended_total{status="failed"}'
    credit = [
        row("Credits"),
        stat(
            "Credits",
            "Of all organisations, by account.",
            "locale",
            Query(f"max by (account) (cutroom_credits{mode})", "{{account}}"),
            size=(18, 4),
        ),
        stat(
            "Holds without a job",
            "Reconciliation settles such within a minute.",
            "none",
            Query("max by (mode) (cutroom_holds_without_job)", "{{mode}}"),
            steps=NONE_IS_WELL,
        ),
        lines(
            "Credits by account",
            "Of all organisations.",
            "locale",
            Query(f"max by (account) (cutroom_credits{mode})", "{{account}}"),
        ),
        lines(
            "Credits moved",
            "Into each account, within the hour before.",
            "locale",
            Query(f"sum by (account) (increase(cutroom_ledger_credits_total{mode}[1h]))", "{{account}}"),
        ),
        lines(
            "Operations of the ledger",
            "Within the hour before, by phase.",
            "none",
            Query(f"sum by (phase) (increase(cutroom_ledger_operations_total{mode}[1h]))", "{{phase}}"),
        ),
        lines(
            "Found by reconciliation",
            "What it mended within the hour before.",
            "none",
            Query("sum by (kind) (increase(cutroom_findings_total[1h]))", "{{kind}}"),
        ),
    ]
    jobs = [
        row("Jobs, paid and test"),
        lines(
            "Jobs that ended",
            "Within the half hour before, by kind and outcome.",
            "none",
            Query("sum by (kind, status) (cutroom:jobs_ended:increase30m)", "{{kind}} {{status}}"),
            stacked=True,
        ),
        lines(
            "Jobs that failed",
            "Within the half hour before, by the code of docs/errors.md.",
            "none",
            Query('sum by (code) (cutroom:jobs_ended:increase30m{status="failed"})', "{{code}}"),
            stacked=True,
        ),
        table(
            "Why jobs failed",
            "Within the time shown.",
            Column(
                "Jobs", "none", f"sum by (code) (({failed} unless {failed} offset $__range) or increase({failed}[$__range])) > 0"
            ),
            by="code",
            size=(12, 8),
        ),
        lines(
            "Jobs that are not paid for, or wait for help",
            "pending waits for a payment, attention for somebody.",
            "none",
            Query('sum by (status) (max by (kind, status) (cutroom_jobs{status=~"pending|attention"}))', "{{status}}"),
        ),
    ]
    choices = {"mode": ["live", "test"]}
    return page("money", "Money", "Credits, and what people got for them.", [*credit, *jobs], hours=24, choices=choices)
