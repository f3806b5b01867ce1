"""A Celery app with a Broadcast queue, one by topic, and one for each worker. (With an exchange in the route Celery sends under no key, and its workers miss it.)"""
import os

from celery import Celery
from kombu import Exchange, Queue
from kombu.common import Broadcast

app = Celery("everybody", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.task_queues = (Broadcast("everybody"), Queue("news", Exchange("media", type="topic"), routing_key="news.#"))
app.conf.worker_direct = True
app.conf.task_routes = {"reload": {"queue": "everybody"}}


@app.task(name="reload")
def reload(what):
    import redis

    redis.Redis.from_url(os.environ["REDIS_URL"]).rpush("ran", f"python {what}")
    return what
