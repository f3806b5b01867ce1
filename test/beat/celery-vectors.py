"""Asks a real Celery when crontabs run next, of random expressions at random times.

    node_modules/.cache/lovage-celery-auth/bin/python test/beat/celery-vectors.py 20261121 2000 \
        > test/vectors/beat-crontab.json

A case is [minute, hour, day of week, day of month, month of year, zone, after, next]: fields as Celery takes
them (text, number or list of numbers), moments in Unix seconds; next is null where Celery raises.
test/interop/crontab.test.ts asks the live Celery for fresh ones.
"""
import json
import random
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from celery import Celery
from celery.schedules import crontab

MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split()
WEEKDAYS = 'sun mon tue wed thu fri sat'.split()
LONG = dict(mon='monday', tue='Tues', wed='WED', thu='thursday', jan='January', sep='Sept', oct='OCT')

# Zones without changes of the clocks get any expression. In the others Celery and Lovage differ on purpose near
# a change (docs/beat.md), so there it is either one time of day, or a moment far from any change.
STEADY = ['UTC', 'Asia/Kolkata', 'Asia/Tokyo', 'America/Phoenix', 'Asia/Kathmandu', 'Pacific/Kiritimati']
CHANGING = ['Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Africa/Casablanca',
            'Pacific/Chatham', 'Asia/Beirut', 'America/St_Johns']

APPS = {zone: Celery('vectors', set_as_current=False) for zone in STEADY + CHANGING}
for zone, app in APPS.items():
    app.conf.timezone = zone


def number(rng, low, high, names):
    n = rng.randint(low, high)
    if names and rng.random() < 0.4:
        name = names[n - low]
        return LONG.get(name, name) if rng.random() < 0.3 else name
    return str(n)


def part(rng, low, high, names):
    kind = rng.random()
    if kind < 0.35:
        return number(rng, low, high, names)
    if kind < 0.6:
        return '%s-%s' % (number(rng, low, high, names), number(rng, low, high, names))
    if kind < 0.8:
        return '*/%d' % rng.choice([1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 100])
    return '%s-%s/%d' % (number(rng, low, high, names), number(rng, low, high, names), rng.randint(1, 12))


def field(rng, low, high, names=None, star=0.4):
    kind = rng.random()
    if kind < star:
        return '*'
    if kind < star + 0.1:
        return rng.randint(low, high)
    if kind < star + 0.2:
        return sorted(rng.sample(range(low, high + 1), rng.randint(1, 4)))
    return ','.join(part(rng, low, high, names) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def days(rng):
    if rng.random() < 0.02:
        return ['*', rng.choice(['31', '30-31']), rng.choice(['2', 'feb', '2,4' if rng.random() < 0.5 else '2'])]
    return [field(rng, 0, 6, WEEKDAYS, 0.6), field(rng, 1, 31, None, 0.6), field(rng, 1, 12, MONTHS, 0.6)]


def changes_near(zone, moment, hours):
    """Whether the clocks change within so many hours."""
    at = moment.astimezone(ZoneInfo(zone))
    offsets = {(moment + timedelta(hours=h)).astimezone(ZoneInfo(zone)).utcoffset() for h in range(-hours, hours + 1)}
    return offsets != {at.utcoffset()}


def ask(fields, zone, after):
    minute, hour, day_of_week, day_of_month, month_of_year = fields
    try:
        schedule = crontab(minute, hour, day_of_week, day_of_month, month_of_year, app=APPS[zone],
                           nowfun=lambda: after)
        return after + schedule.remaining_estimate(after)
    except (RuntimeError, ValueError):
        return None


def case(rng):
    after = datetime.fromtimestamp(rng.randint(1704067200, 2019686400), timezone.utc)
    if rng.random() < 0.6:
        zone = rng.choice(STEADY)
        fields = [field(rng, 0, 59), field(rng, 0, 23)] + days(rng)
    elif rng.random() < 0.5:
        zone = rng.choice(CHANGING)
        fields = [rng.randint(0, 59), rng.randint(0, 23)] + days(rng)
        if changes_near(zone, after, 4):
            return None
    else:
        zone = rng.choice(CHANGING)
        fields = [field(rng, 0, 59), field(rng, 0, 23)] + days(rng)
    local = after.astimezone(ZoneInfo(zone))
    found = ask(fields, zone, local)
    if found is None:
        return [*fields, zone, int(after.timestamp()), None]
    steady = zone in STEADY or isinstance(fields[1], int) and isinstance(fields[0], int)
    if not steady and (changes_near(zone, after, 30) or changes_near(zone, found, 30)):
        return None
    # Celery's difference is reckoned in UTC, so the sum is too.
    seconds = (after + (found - local)).timestamp()
    return [*fields, zone, int(after.timestamp()), round(seconds)]


def near_changes(rng):
    """One time of day, asked some hours before the clocks change: the shifted and the repeated ones."""
    zone = rng.choice(CHANGING)
    moment = datetime.fromtimestamp(rng.randint(1704067200, 2019686400), timezone.utc).replace(minute=0, second=0)
    while not changes_near(zone, moment, 12):
        moment += timedelta(hours=12)
    while changes_near(zone, moment, 4):
        moment -= timedelta(hours=1)
    fields = [rng.randint(0, 59), rng.choice([0, 1, 2, 2, 2, 3, 4, 23]), '*', '*', '*']
    local = moment.astimezone(ZoneInfo(zone))
    rest = ask(fields, zone, local) - local
    return [*fields, zone, int(moment.timestamp()), round((moment + rest).timestamp())]


def vectors(seed, count):
    rng = random.Random(seed)
    found = []
    while len(found) < count:
        made = near_changes(rng) if rng.random() < 0.1 else case(rng)
        if made is not None:
            found.append(made)
    return found


if __name__ == '__main__':
    cases = vectors(int(sys.argv[1]), int(sys.argv[2]))
    print('[\n' + ',\n'.join(json.dumps(made, separators=(',', ':')) for made in cases) + '\n]')
