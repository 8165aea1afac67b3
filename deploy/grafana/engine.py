"""The page of who looks after speed: how fast the work goes, and what holds it up."""

from panels import Column, Json, Query, lines, page, row, table


def dashboard() -> Json:
    steps = [
        row("Steps"),
        table(
            "Steps",
            "Attempts that ended within the time shown.",
            Column("Attempts", "none", "sum by (step) (increase(cutroom_step_seconds_count[$__range]))"),
            Column(
                "Mean",
                "s",
                "sum by (step) (increase(cutroom_step_seconds_sum[$__range]))"
                " / sum by (step) (increase(cutroom_step_seconds_count[$__range]))",
            ),
            Column(
                "19 of 20", "s", "histogram_quantile(0.95, sum by (le, step) (increase(cutroom_step_seconds_bucket[$__range])))"
            ),
            Column(
                "Tried again",
                "none",
                'sum by (step) (increase(cutroom_step_seconds_count{outcome="failed"}[$__range]))',
            ),
            by="step",
        ),
        lines(
            "Speed",
            "Seconds of recording that a step goes through in a second of work.",
            "suffix: x",
            Query(
                "sum by (step) (rate(cutroom_media_seconds_total[15m]))"
                " / sum by (step) (rate(cutroom_media_work_seconds_total[15m]))",
                "{{step}}",
            ),
        ),
        lines(
            "Seconds of a step",
            "19 of 20 attempts are faster; over a quarter of an hour.",
            "s",
            Query("histogram_quantile(0.95, sum by (le, step) (rate(cutroom_step_seconds_bucket[15m])))", "{{step}}"),
        ),
        lines(
            "Attempts by outcome",
            "refused is not tried again, failed is.",
            "cps",
            Query("sum by (outcome) (rate(cutroom_step_seconds_count[$__rate_interval]))", "{{outcome}}"),
            stacked=True,
        ),
        lines(
            "Artifacts found",
            "The share of artifacts that a step found made, and did not make.",
            "percentunit",
            Query(
                'sum by (step) (rate(cutroom_artifacts_total{outcome="found"}[15m]))'
                " / sum by (step) (rate(cutroom_artifacts_total[15m]))",
                "{{step}}",
            ),
        ),
    ]
    queues = [
        row("Queues"),
        lines(
            "Steps that wait",
            "About, as Temporal counts them.",
            "none",
            Query("max by (queue) (cutroom_queue_backlog)", "{{queue}}"),
        ),
        lines(
            "Waited for a worker",
            "19 of 20 steps waited less, schedule to start, over a quarter of an hour.",
            "s",
            Query("histogram_quantile(0.95, sum by (le, queue) (rate(cutroom_queue_delay_seconds_bucket[15m])))", "{{queue}}"),
        ),
        lines(
            "Oldest step of each queue",
            "How long it has waited for a worker.",
            "s",
            Query("max by (queue) (cutroom_queue_backlog_age_seconds)", "{{queue}}"),
            limit=180,
        ),
        lines(
            "Slots",
            "Of the workers for steps: how many are taken, and how many there are.",
            "none",
            Query('sum by (task_queue) (temporal_worker_task_slots_used{worker_type="ActivityWorker"})', "{{task_queue}} taken"),
            Query(
                'sum by (task_queue) (temporal_worker_task_slots_used{worker_type="ActivityWorker"}'
                ' + temporal_worker_task_slots_available{worker_type="ActivityWorker"})',
                "{{task_queue}} all",
            ),
        ),
    ]
    around = [
        row("Calls and machines"),
        lines(
            "Seconds of a call",
            "19 of 20 are faster, retries included.",
            "s",
            Query(
                "histogram_quantile(0.95, sum by (le, service, operation) (rate(cutroom_call_seconds_bucket[$__rate_interval])))",
                "{{service}} {{operation}}",
            ),
        ),
        lines(
            "Calls",
            "To other servers. refused: it said no.",
            "cps",
            Query("sum by (service, outcome) (rate(cutroom_call_seconds_count[$__rate_interval]))", "{{service}} {{outcome}}"),
        ),
        lines(
            "Memory",
            "Resident, of each process; its child processes not counted.",
            "bytes",
            Query("process_resident_memory_bytes", "{{process}} {{instance}}"),
        ),
        lines(
            "Free disk",
            "Where each process keeps its files.",
            "bytes",
            Query("cutroom_disk_free_bytes", "{{process}} {{instance}}"),
        ),
    ]
    webhooks = [
        row("Webhooks"),
        lines(
            "Tries",
            "By outcome. refused: the receiver answered no.",
            "cps",
            Query("sum by (outcome) (rate(cutroom_webhook_tries_total[$__rate_interval]))", "{{outcome}}"),
        ),
        lines(
            "From an event to its first try",
            "19 of 20 are faster, over a quarter of an hour.",
            "s",
            Query("histogram_quantile(0.95, sum by (le) (rate(cutroom_webhook_delay_seconds_bucket[15m])))", "first try"),
        ),
        lines(
            "Endpoints turned off",
            "Within the hour before. gone: it said so; failing: nothing arrived for five days.",
            "none",
            Query("sum by (code) (increase(cutroom_webhook_endpoints_disabled_total[1h]))", "{{code}}"),
        ),
    ]
    panels = [*steps, *queues, *webhooks, *around]
    return page("engine", "Engine", "How fast the work goes, and what holds it up.", panels, hours=6)
