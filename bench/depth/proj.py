"""The Python side of `npm run bench -- depth`: the tasks, and (run as a program) a client that sends what it is told.

Each line in is {"shape", "depth", "task", "queue", "key"}; each line out {"error"}, or {"sent": true}.
"""

import json
import os
import sys

from celery import Celery, chain, chord, group

app = Celery("depth", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.update(task_default_queue="python", result_expires=60)


@app.task(name="py.one")
def one(*args):
    return 1


@app.task(name="py.broken")
def broken(task_id):
    raise ValueError("broken")


@app.task(name="py.mark")
def mark(*args, key):
    app.backend.client.rpush("done:" + key, 1)


def nested(around, depth, bottom):
    for _ in range(depth):
        bottom = around(bottom)
    return bottom


def flat(depth, pair):
    return [step for _ in range(depth) for step in pair()]


def canvas(shape, depth, lang, queue, key):
    def task(name, *args, **kwargs):
        return app.signature("%s.%s" % (lang, name), args=args, kwargs=kwargs, queue=queue)

    def step():
        return task("one")

    def end(*args):
        return task("mark", *args, key=key)

    def linked(inner):
        outer = step()
        outer.link(inner)
        return outer

    def caught(inner):
        outer = task("broken")
        outer.link_error(inner)
        return outer

    if shape == "links":
        return nested(linked, depth, end())
    if shape == "errbacks":
        first = task("broken", "id")
        first.link_error(nested(caught, depth - 1, end()))
        return first
    if shape == "bodies":
        return nested(lambda inner: chord([step(), step()], chain(step(), inner)), depth, end())
    if shape == "headers":
        return chord([nested(lambda inner: chord([inner, step()], step()), depth - 1, step()), step()], end())
    if shape == "members":
        return chain(group(nested(lambda inner: chain(group(inner, step()), step()), depth - 1, step()), step()), end())
    if shape == "stages":
        return chain(*flat(depth, lambda: [group(step(), step()), step()]), end())
    if shape == "arguments":
        return end(nested(lambda inner: [inner], depth, 1))
    raise ValueError(shape)


if __name__ == "__main__":
    for line in sys.stdin:
        told = json.loads(line)
        try:
            canvas(told["shape"], told["depth"], told["lang"], told["queue"], told["key"]).apply_async()
            answer = {"sent": True}
        except BaseException as error:
            answer = {"error": type(error).__name__}
        print(json.dumps(answer), flush=True)
