"""The Celery application: own queue and key prefix, tasks acknowledged after the work, one clock for the sweeps.

A task may run twice (a worker died, the visibility timeout passed): every task is idempotent.
"""

import os
from importlib.util import find_spec
from typing import Any

from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from cgt.patience import ANSWER_WITHIN, Patience

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cgt.settings")

# Seconds between two runs. A sweep reads a due-table and then acts inside the organization it belongs to.
SWEEPS = {
    "scheduling.tasks.make_due_openings": 600.0,
    "scheduling.tasks.expire_slot_holds": 30.0,
    "scheduling.tasks.expire_moves": 30.0,
    "scheduling.tasks.release_unused_quotas": 300.0,
    "scheduling.tasks.expire_offered_places": 30.0,
    "orders.tasks.offer_freed_places": 60.0,
    "notifications.tasks.relay_outbox": 10.0,
    "notifications.tasks.post_webhooks": 10.0,
    "orders.tasks.tell_subscribers": 15.0,
    "orders.tasks.escalate_overdue_steps": 60.0,
    "orders.tasks.tell_milestones": 60.0,
    "orders.tasks.tell_overdue_returns": 300.0,
    "orders.tasks.tell_courier_jobs": 60.0,
    "orders.tasks.follow_store_alarms": 60.0,
    "orders.tasks.tell_conditions": 60.0,
    "orders.tasks.escalate_date_requests": 60.0,
    "orders.tasks.tell_requested_days": 60.0,
    "orders.tasks.sweep_repairs": 20.0,
    "orders.tasks.sweep_stops": 20.0,
    "orders.tasks.forget_what_ifs": 3600.0,
}
QUEUE = "cgt"


def clock() -> dict[str, dict[str, object]]:
    """The beat schedule of the sweeps whose app has a tasks module."""
    present = {task: seconds for task, seconds in SWEEPS.items() if find_spec(task.rpartition(".")[0])}
    return {
        task: {"task": task, "schedule": seconds, "options": {"expires": seconds * 2}}
        for task, seconds in present.items()
    }


class App(Celery):
    """Who asks for a task waits for the broker for a moment only; workers wait as long as it takes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.patience = Patience()
        super().__init__(*args, **options)

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        within = {"socket_timeout": ANSWER_WITHIN, "socket_connect_timeout": ANSWER_WITHIN, "max_retries": 0}
        return super().connection_for_write(url, **{"transport_options": within} | options)

    def send_task(self, *args: Any, **options: Any) -> Any:
        if self.patience.is_over:
            raise OperationalError("The broker did not answer a moment ago.")
        try:
            return super().send_task(*args, **options)
        except (OperationalError, RedisError):
            self.patience.lose()
            raise


app = App("cgt", set_as_current=True)
app.conf.update(
    broker_url=settings.REDIS_URL,
    broker_transport_options={"global_keyprefix": f"{settings.NAMESPACE}:", "visibility_timeout": 3600},
    broker_connection_retry_on_startup=True,
    task_default_queue=QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_time_limit=300,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    timezone="UTC",
    enable_utc=True,
    beat_schedule=clock(),
)
app.autodiscover_tasks()
