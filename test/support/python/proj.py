"""The Python side of the interop tests: an ordinary Celery app, with the tasks of the captured vectors.

REDIS_URL is the broker and, unless RESULT_URL is given, the result store. QUEUE is the queue that its own
tasks go to, so that each language has one for itself. PROJ_CONF is JSON with further Celery settings.
"""

import json
import os
import time

from celery import Celery, chain, chord, group, signature
from celery.exceptions import Ignore, Reject

app = Celery(
    "proj",
    broker=os.environ["REDIS_URL"],
    backend=os.environ.get("RESULT_URL") or os.environ["REDIS_URL"],
)
app.conf.update(
    task_default_queue=os.environ.get("QUEUE", "python"),
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    result_expires=3600,
    **json.loads(os.environ.get("PROJ_CONF", "{}")),
)


@app.task
def add(x, y=0):
    return x + y


@app.task
def mul(x, y=1):
    return x * y


@app.task
def tsum(nums):
    return sum(nums)


@app.task
def ident(*args, **kwargs):
    return [args, kwargs]


@app.task
def echo(value):
    return value


@app.task
def describe(value):
    """What Python sees: the type's name and the value's repr."""
    return [type(value).__name__, repr(value)]


@app.task
def fail(*args, **kwargs):
    raise ValueError("boom", 42)


@app.task
def fail_key(key):
    raise KeyError(key)


@app.task(bind=True, max_retries=3)
def flaky(self, times=2, countdown=0):
    """Fails so many times, then answers with the number of retries."""
    if self.request.retries < times:
        raise self.retry(exc=ConnectionError("not yet"), countdown=countdown)
    return self.request.retries


@app.task(bind=True, max_retries=0)
def flaky_max(self):
    raise self.retry(exc=ConnectionError("never"), countdown=0)


@app.task(bind=True)
def request_of(self, *args):
    """What the worker knows of the message, as far as JSON carries it."""
    request = self.request
    names = ("id", "root_id", "parent_id", "group", "group_index", "retries", "eta", "expires", "timelimit",
             "reply_to", "correlation_id", "origin", "lang", "args", "kwargs", "headers", "delivery_info", "stamps")
    return {name: getattr(request, name, None) for name in names}


@app.task(bind=True)
def progress(self, done, total):
    self.update_state(state="PROGRESS", meta={"done": done, "total": total})
    raise Ignore()


@app.task
def reject(requeue=False):
    raise Reject("no thanks", requeue=requeue)


@app.task
def sleep(seconds):
    time.sleep(seconds)
    return seconds


@app.task(bind=True)
def spawner(self, n=3):
    """A result with children: a task and a group that it sent."""
    add.delay(1, 1)
    group(add.s(i, i) for i in range(n))()
    return n


@app.task(bind=True)
def grow(self, n):
    """Adds one more to its chord."""
    self.add_to_chord(add.s(n, 9 * n).set(queue=os.environ.get("QUEUE", "python")))
    return n


@app.task(bind=True)
def after(self, value, parts):
    """Ends when so many parts of its chord are in."""
    end = time.monotonic() + 10
    while app.backend.client.zcard("celery-taskset-meta-%s.j" % self.request.group) < parts:
        if time.monotonic() > end:
            raise TimeoutError("the other parts did not come")
        time.sleep(0.005)
    return value


@app.task
def restore(gid):
    return [result.id for result in app.GroupResult.restore(gid).results]


@app.task(bind=True)
def replace_task(self, x, y):
    raise self.replace(add.s(x, y))


@app.task(bind=True)
def replace_chain(self, x, y):
    raise self.replace(chain(add.s(x, y), mul.s(10)))


@app.task(bind=True)
def replace_group(self, *numbers):
    raise self.replace(group(add.s(n, 1) for n in numbers))


@app.task(bind=True)
def replace_chord(self, *numbers):
    raise self.replace(chord([add.s(n, 1) for n in numbers], tsum.s()))


@app.task(bind=True)
def record(self, *args):
    """Leaves what it got in a Redis list that the test reads: `proj:record`."""
    app.backend.client.rpush("proj:record", json.dumps({"id": self.request.id, "args": args}, default=repr))
    return args[0] if args else None


@app.task
def errback(task_id):
    """The old form: Celery calls it in the worker, or by message, with the failed task's id."""
    app.backend.client.rpush("proj:errback", json.dumps({"id": task_id}))


@app.task
def errback_new(request, exc, traceback):
    app.backend.client.rpush("proj:errback", json.dumps({"id": request.id, "error": repr(exc)}))


@app.task(bind=True)
def step(self, *given):
    """A step of a random canvas (test/interop/any-mixed): the last argument says which, and what it does."""
    *values, spec = given
    app.backend.client.hincrby("runs:" + spec["canvas"], spec["label"], 1)
    for added in spec.get("adds", []):
        self.add_to_chord(signature(added, app=app))
    if spec.get("fails"):
        raise ValueError("boom")
    if "heir" in spec:
        raise self.replace(signature(spec["heir"], app=app))
    return "%s(%s)" % (spec["label"], "".join(map(shown, values)))


def shown(value):
    return value if isinstance(value, str) else "[%s]" % " ".join(sorted(map(shown, value)))
