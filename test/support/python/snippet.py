"""Runs the Python that a test passes as an argument, with the app, its tasks and Celery's canvas at hand.

`give(value)` is the answer: its JSON is the last line on stdout. Dates, bytes and the like become their repr;
a test that cares about the type says so with `type(...)`.
"""

import json
import sys

from celery import chain, chord, chunks, group, signature, xmap, xstarmap  # noqa: F401
from celery.result import AsyncResult, GroupResult, allow_join_result, result_from_tuple  # noqa: F401

import proj
from proj import *  # noqa: F403

app = proj.app
app.set_current()


def give(value):
    print("\n" + json.dumps(value, default=repr))


exec(compile(sys.argv[1], "<test>", "exec"))
