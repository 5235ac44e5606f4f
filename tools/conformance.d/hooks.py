"""Puts what is there, and what is acceptable, into half of the requests, which would else find nothing
and be refused."""

import json
import os
import random

import schemathesis

KNOWN = json.loads(os.environ["CONFORMANCE_KNOWN"])
ACCEPTABLE = {
    "emoji": lambda: "👍",
    "kind": lambda: CHOICE.choice(["public", "private"]),
    "limit": lambda: CHOICE.randint(1, 200),
    "name": lambda: "Tea",
    "password": lambda: "correct horse battery",
    "q": lambda: "message",
    "username": lambda: f"user{CHOICE.getrandbits(64):x}",
}
CHOICE = random.Random(7)

# Parts of an upload are bytes like any other.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


def plausible(fields):
    if not isinstance(fields, dict) or CHOICE.random() < 0.5:
        return fields
    for name in fields:
        if name in KNOWN:
            fields[name] = CHOICE.choice(KNOWN[name])
        elif name in ACCEPTABLE:
            fields[name] = ACCEPTABLE[name]()
    return fields


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    return plausible(path_parameters)


@schemathesis.hook
def map_query(context, query):
    return plausible(query)


@schemathesis.hook
def map_body(context, body):
    return plausible(body)
