"""Lets requests name what exists, by whoever may ask: a UUID made up by chance is always `not_found`."""

import itertools
import json
import os
import pathlib
import random
import time

import schemathesis
from schemathesis.checks import not_a_server_error

WORLD = json.loads(pathlib.Path(os.environ["CONTRACT_WORLD"]).read_text())
LOST = itertools.cycle(range(len(WORLD["lost_users"])))

# Operations after which an account or a conversation is gone.
LOSES_USER = {"deleteMyAccount", "deleteMyAccountForBackend", "deleteUser"}
LOSES_CONVERSATION = {"closeConversation", "closeConversationForBackend", "removeMember", "removeMemberForBackend"}


def choose(operation, name):
    """Returns what exists for a parameter of a path; `None` where nothing does."""
    collection = operation.path.removeprefix("/v1/").removeprefix("server/").split("/")[0]
    if name == "seq":
        return random.choice([1, 2, 3, 4, 5])
    if name == "emoji":
        return random.choice(["👍", "❤️", "😀"])
    if name == "user_id":
        return random.choice([*WORLD["users"], "me"])
    if collection == "conversations":
        lost = operation.definition.raw.get("operationId") in LOSES_CONVERSATION
        return random.choice(WORLD["lost_conversations" if lost else "conversations"])
    if collection == "users":
        return WORLD["lost_users"][next(LOST)] if operation.method == "delete" else random.choice(WORLD["users"])
    return random.choice(WORLD[collection]) if collection in WORLD else None


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation
    name = operation.definition.raw.get("operationId")
    by_backend = operation.path.startswith("/v1/server/")
    for parameter in list(case.path_parameters or {}):
        # Two in three: what does not exist has answers as well.
        if random.random() < 0.67 and (found := choose(operation, parameter)) is not None:
            case.path_parameters[parameter] = found
    tokens = WORLD["tokens"]
    token = tokens["backend"] if by_backend else tokens["user"]
    if name in LOSES_USER and not by_backend:
        token = tokens["lost"][next(LOST)]
    headers = dict(case.headers or {})
    if not by_backend or random.random() < 0.9:
        headers["Authorization"] = f"Bearer {token}"
    if by_backend and "Palaver-As" in headers and random.random() < 0.8:
        lost = WORLD["lost_users"][next(LOST)]
        headers["Palaver-As"] = lost if name in LOSES_USER else random.choice(WORLD["users"])
    case.headers = headers
    body = case.body
    if isinstance(body, dict):
        # Two in three users and files that a body names are real.
        for field in ["member_ids", "user_ids", "mentions"]:
            if isinstance(body.get(field), list) and random.random() < 0.67:
                body[field] = [random.choice(WORLD["users"]) for _ in body[field]]


# Repeats of a request that found the server busy.
MAX_REPEATS = 5


def is_busy(response):
    return response.status_code == 503 and response.json().get("code") == "busy"


@schemathesis.check
def succeeds_after_busy(ctx, response, case):
    """Fails as `not_a_server_error` does, unless the request succeeds as clients repeat it."""
    for _ in range(MAX_REPEATS):
        if not is_busy(response):
            break
        time.sleep(response.json()["retry_after_ms"] / 1000)
        response = case.call()
    return not_a_server_error(ctx, response, case)
