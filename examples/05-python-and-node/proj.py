"""The Python side: an ordinary Celery app, which needs to know of Node only the names of tasks and their queue.

main.ts starts a worker of it, and runs it as a client (`python proj.py`).
"""

import os
import statistics

from celery import Celery

url = os.environ.get("LOVAGE_BROKER_URL", "redis://localhost:6379/0")
app = Celery("proj", broker=url, backend=url)
app.conf.update(
    task_default_queue="python",
    task_routes={"js.*": {"queue": "js"}},
    broker_connection_retry_on_startup=True,
)


@app.task
def mean(numbers):
    return statistics.mean(numbers)


@app.task
def parse(text):
    return float(text)


def client():
    lengths = app.send_task("js.lengths", args=["the quick brown fox"])
    print("Python calls Node:", lengths.get(timeout=30))

    repeated = app.send_task("js.repeat", kwargs={"text": "ho", "times": 3})
    print("by keywords:", repeated.get(timeout=30))

    # In a canvas each step names its queue: the worker that sends it on may be Node's.
    js = app.signature("js.lengths", args=("jumps over the lazy dog",), queue="js")
    result = (js | mean.s().set(queue="python")).delay()
    print("chain js | py:", result.get(timeout=30), "of", result.parent.get(timeout=30))

    try:
        app.send_task("js.repeat", kwargs={"text": "ho", "times": -1}).get(timeout=30)
    except ValueError as error:
        print("Node's error in Python: ValueError:", error)


if __name__ == "__main__":
    client()
