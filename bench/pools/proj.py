import os

from celery import Celery

app = Celery("proj", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@app.task(name="bench.noop")
def noop():
    return None
