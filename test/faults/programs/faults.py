"""The same tasks as worker.js, run by a stock Celery worker: they write into the same ledger."""

import json
import os
import time

from celery import Celery

app = Celery("faults", broker=os.environ["REDIS_URL"], backend=os.environ["RESULT_URL"])
app.conf.update(
    task_default_queue=os.environ["QUEUE"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    **json.loads(os.environ.get("PROJ_CONF", "{}")),
)


def note(task, what, **more):
    request = task.request
    entry = {
        "what": what,
        "task": task.name.removeprefix("faults."),
        "id": request.id,
        "retries": request.retries,
        "fresh": not request.delivery_info.get("redelivered"),
        "attempt": 0,
        "pid": os.getpid(),
        "at": int(time.time() * 1000),
        **more,
    }
    with open(os.environ["LEDGER"], "a") as ledger:
        ledger.write(json.dumps(entry) + "\n")


@app.task(bind=True, name="faults.nap")
def nap(self, value, ms):
    note(self, "start", args=[value, ms])
    time.sleep(ms / 1000)
    note(self, "end", value=value)
    return value


@app.task(bind=True, name="faults.elsewhere")
def elsewhere(self, value):
    note(self, "start", args=[value])
    time.sleep(0.03)
    note(self, "end", value=value)
    return value


@app.task(bind=True, name="faults.add")
def add(self, a, b, ms=0):
    note(self, "start", args=[a, b, ms])
    time.sleep(ms / 1000)
    note(self, "end", value=a + b)
    return a + b


@app.task(bind=True, name="faults.total")
def total(self, numbers):
    note(self, "start", args=[numbers])
    note(self, "end", value=sum(numbers))
    return sum(numbers)
