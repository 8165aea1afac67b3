"""Mails to the owners of an organisation who want them: a job has ended, or a webhook endpoint was turned off."""

import asyncio

from activities.base import Task, implements
from cutroom import mail as post_office
from cutroom.contracts.base import Nothing
from cutroom.contracts.deliveries import SEND_MAIL, MailInput
from cutroom.store import jobs, mail, webhooks
from cutroom.store.tables import Job, WebhookEndpoint


@implements(SEND_MAIL)
async def send_mail(task: Task, wanted: MailInput) -> Nothing:
    """One mail to each. Where the second cannot be sent, the first may come twice."""
    settings = task.resources.settings
    url = settings.smtp_url.get_secret_value()
    if not url:
        return Nothing()
    async with task.resources.database.transaction(wanted.org_id) as session:
        recipients = await mail.recipients(session, wanted.org_id)
        if wanted.about.startswith("whe_"):
            subject, text = _endpoint_off(await webhooks.get(session, wanted.about))
        else:
            subject, text = _job_ended(await jobs.get(session, wanted.about))
    for recipient in recipients:
        composed = post_office.compose(settings.mail_from, recipient, subject, text)
        await asyncio.to_thread(post_office.send, url, composed)
    return Nothing()


def _job_ended(job: Job) -> tuple[str, str]:
    """Subject and text: what the job is and how it ended, and none of its owner's words."""
    lines = [f"The {job.kind} {job.id} has ended: {job.status}."]
    if job.error_code:
        lines.append(f"{job.error_code}: {job.error_detail}")
    lines.append(f"See: cutroom jobs show {job.id}")
    return f"{job.kind} {job.id}: {job.status}", "\n\n".join(lines) + "\n"


def _endpoint_off(endpoint: WebhookEndpoint) -> tuple[str, str]:
    why = "it answered 410, gone" if endpoint.disabled_reason == "gone" else "nothing arrived there for five days"
    text = f"The webhook endpoint {endpoint.id} was turned off: {why}.\n\nEnable it once it works, and replay what was canceled.\n"
    return f"Webhook endpoint {endpoint.id} turned off", text
