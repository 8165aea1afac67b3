"""The page of who keeps Cutroom running: what is broken now."""

from panels import (
    AWAY_OR_UP,
    GREEN,
    NONE_IS_WELL,
    ONE_IS_WELL,
    ORANGE,
    RED,
    Json,
    Query,
    Steps,
    alert_table,
    lines,
    page,
    row,
    stat,
)

PROBES = 'route!~"/healthz|/readyz|/metrics"'


def dashboard() -> Json:
    now = [
        row("Now"),
        alert_table("Alerts", "What fires. docs/operations.md says for each what to do."),
        stat(
            "Parts",
            "Whether each answers every control worker.",
            "none",
            Query("min by (part) (cutroom_part_up)", "{{part}}"),
            steps=ONE_IS_WELL,
            names=AWAY_OR_UP,
        ),
        stat(
            "Processes",
            "How many of each answer Prometheus.",
            "none",
            Query('sum by (process) (up{job="cutroom"})', "{{process}}"),
            steps=ONE_IS_WELL,
        ),
        stat(
            "Workers that ask for work",
            "By queue. A worker whose slots are all taken asks for nothing: look at the slots on the page Engine.",
            "none",
            Query("max by (queue) (cutroom_queue_pollers)", "{{queue}}"),
            steps=Steps(ORANGE, ((1, GREEN),)),
        ),
        stat(
            "Versions",
            "How many processes run each version; two at a time only during an upgrade.",
            "none",
            Query("count by (version) (cutroom_build_info)", "{{version}}"),
        ),
        stat(
            "Jobs that wait for help",
            "Somebody has to mend something, then say `cutroom jobs resume`.",
            "none",
            Query('sum(max by (kind) (cutroom_jobs{status="attention"}))', "jobs"),
            steps=NONE_IS_WELL,
        ),
        stat(
            "Jobs that failed",
            "Of those that ended within half an hour.",
            "percentunit",
            Query('sum(cutroom:jobs_ended:increase30m{status="failed"}) / sum(cutroom:jobs_ended:increase30m)', "failed"),
            steps=Steps(GREEN, ((0.1, ORANGE), (0.25, RED))),
        ),
        stat(
            "Oldest in the outbox",
            "How long the oldest committed start or signal has waited for Temporal.",
            "s",
            Query("max(cutroom_outbox_age_seconds)", "oldest"),
            steps=Steps(GREEN, ((30, ORANGE), (60, RED))),
        ),
        stat(
            "Free disk",
            "Of the disk where each process keeps its files; the fullest of its replicas.",
            "percentunit",
            Query("min by (process) (cutroom_disk_free_bytes / cutroom_disk_size_bytes)", "{{process}}"),
            steps=Steps(RED, ((0.1, ORANGE), (0.2, GREEN))),
        ),
    ]
    work = [
        row("Work"),
        lines(
            "Jobs that have not ended",
            "By status.",
            "none",
            Query("sum by (status) (max by (kind, status) (cutroom_jobs))", "{{status}}"),
            stacked=True,
        ),
        lines(
            "Jobs that ended",
            "Within the half hour before, by outcome.",
            "none",
            Query("sum by (status) (cutroom:jobs_ended:increase30m)", "{{status}}"),
        ),
        lines(
            "Oldest step of each queue",
            "How long it has waited for a worker.",
            "s",
            Query("max by (queue) (cutroom_queue_backlog_age_seconds)", "{{queue}}"),
            limit=180,
        ),
        lines(
            "Outbox",
            "Committed starts and signals that have not reached Temporal.",
            "none",
            Query("max by (kind) (cutroom_outbox_waiting)", "{{kind}}"),
        ),
    ]
    api = [
        row("API"),
        lines(
            "Requests",
            "By status, without the probes.",
            "reqps",
            Query(f"sum by (status) (rate(cutroom_http_request_seconds_count{{{PROBES}}}[$__rate_interval]))", "{{status}}"),
            stacked=True,
        ),
        lines(
            "Seconds of a request",
            "19 of 20 are faster; by route, without probes and streams of events.",
            "s",
            Query(
                "histogram_quantile(0.95, sum by (le, method, route) (rate("
                'cutroom_http_request_seconds_bucket{route!~"/healthz|/readyz|/metrics|.*/events"}[$__rate_interval])))',
                "{{method}} {{route}}",
            ),
        ),
        lines(
            "Requests that ended in a 5xx",
            "Within the ten minutes before.",
            "none",
            Query(
                'sum by (method, route, status) (cutroom:http_requests:increase10m{status=~"5.."})',
                "{{status}} {{method}} {{route}}",
            ),
        ),
        lines(
            "Calls that nobody answered",
            "Of all processes to other servers.",
            "cps",
            Query(
                'sum by (service) (rate(cutroom_call_seconds_count{outcome="unreachable"}[$__rate_interval]))',
                "{{service}}",
            ),
        ),
    ]
    return page("operator", "Operator", "What is broken now.", [*now, *work, *api], hours=3)
