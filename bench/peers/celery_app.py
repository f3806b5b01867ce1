"""Celery's side of the benchmark: the tasks, and (as a program) a producer that is told what to do by lines."""
import json
import os
import sys
import threading
import time

from celery import Celery, chain, chord, group

app = Celery('bench', broker=os.environ['BENCH_BROKER'], backend=os.environ['BENCH_RESULTS'])


@app.task(name='bench.noop')
def noop():
    pass


@app.task(name='bench.count')
def count(results):
    return len(results)


def enqueue(count, inFlight):
    left = [count]

    def lane():
        while left[0] > 0:
            left[0] -= 1
            noop.apply_async(queue='staged')

    lanes = [threading.Thread(target=lane) for _ in range(4)]  # a hundred are slower: one lock for all
    started = time.perf_counter()
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()
    return count / (time.perf_counter() - started)


def enqueue_many(count, size):
    started = time.perf_counter()
    for _ in range(0, count, size):
        group(noop.si() for _ in range(size)).apply_async(queue='staged')
    return count / (time.perf_counter() - started)


def probe(queue):
    noop.apply_async(queue=queue).get(timeout=60)


def timed(what, count, size=0):
    make = {
        'roundTrip': lambda: noop.si(),
        'chain': lambda: chain(*[noop.si() for _ in range(size)]),
        'chord': lambda: chord([noop.si() for _ in range(size)], globals()['count'].s()),
    }[what]
    times = []
    for _ in range(count):
        started = time.perf_counter()
        make().apply_async().get()
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)


commands = {
    'enqueue': enqueue,
    'enqueueMany': enqueue_many,
    'fill': lambda count: enqueue_many(count, 500),
    'probe': probe,
    'time': timed,
}

if __name__ == '__main__':
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(commands[asked['command']](**asked['options'])), flush=True)
