"""Runs the client against a local cloud that it starts, with faults. `PALAVER_BINARIES` names a folder with built programs. Run by `.ci/run`."""

import asyncio
import json
import pathlib
import sys
import time
import uuid

import aiohttp

import palaver

sys.path.append(str(pathlib.Path(__file__).parents[2] / "tests/contract"))
import local_cloud  # noqa: E402

# What the service does with a request before or after it fails.
LOST_ANSWERS = {"function": "WsSend", "operation": "PutItem", "kind": {"kill": "after"}, "probability": 0.05}
LOST_PUSHES = {"service": "apigatewaymanagementapi", "operation": "PostToConnection", "kind": "request_lost", "probability": 0.7}
# Ends a run that hangs.
TIMEOUT_SECONDS = 240
# A token that is renewed after a second or two.
SHORT_SECONDS = 62


class Stage:
    """A local cloud and its users."""

    def __init__(self, endpoints, session):
        self.endpoints, self.session = endpoints, session

    async def client(self, name, expires_in=3600):
        """Returns the client of a user, who has a profile."""

        async def get_token():
            body = {"username": name, "expires_in": expires_in}
            async with self.session.post(self.endpoints["oidc_token"], json=body) as answer:
                return json.loads(await answer.read())["access_token"]

        client = palaver.Client(self.endpoints["http"], self.endpoints["websocket"], get_token, name)
        await client.__aenter__()
        await until(lambda: client.user_id is not None, "a client has a user")
        return client

    async def faults(self, *rules):
        """Has services misbehave; without rules they behave again."""
        url = self.endpoints["control"] + "/faults"
        async with self.session.request("POST" if rules else "DELETE", url, json={"seed": 7, "rules": rules} if rules else None) as answer:
            assert answer.status == 204, await answer.text()


async def until(condition, what):
    """Waits for a condition."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def agrees(client, conversation_id):
    """Holds the copy against the server's history: the same messages, with the same reactions."""
    page = await client.call("GET", f"/v1/conversations/{conversation_id}/messages?limit=100")
    copy = client.conversation(conversation_id).messages
    for theirs in page["messages"]:
        ours = copy[theirs["seq"]]
        assert (ours["kind"], ours.get("text")) == (theirs["kind"], theirs.get("text")), (ours, theirs)
        assert len(ours["given"]) == sum(reaction["count"] for reaction in theirs.get("reactions", [])), (ours, theirs)


async def everything(stage):
    tag = uuid.uuid4().hex[:8]
    alice, bob = [await stage.client(f"{name}-{tag}") for name in ("alice", "bob")]
    chat = (await alice.call("POST", "/v1/conversations", {"type": "private", "member_ids": [bob.user_id]}))["conversation_id"]
    ours, theirs = alice.conversation(chat), bob.conversation(chat)
    expected = []

    async def say(*texts):
        expected.extend(texts)
        return await asyncio.gather(*(alice.send(chat, text) for text in texts))

    seqs = await say("one", "two", "three")
    assert seqs == sorted(seqs)
    await until(lambda: theirs.texts() == expected, "messages arrive in order")
    bob.read(chat, seqs[-1])
    await until(lambda: ours.receipts.get(bob.user_id) == {"delivered": seqs[-1], "read": seqs[-1]}, "receipts arrive")
    print("sends, receives, and reports what was read")

    await stage.faults(LOST_ANSWERS)
    for part in range(4):
        await say(*(f"answer {part}.{n}" for n in range(15)))
    await stage.faults()
    assert ours.texts() == expected, "each message once, in order"
    await until(lambda: theirs.texts() == expected, "each message once, in order")
    print("sends again after lost answers")

    await stage.faults(LOST_PUSHES)
    for n in range(8):
        await say(f"push {n}")
    await stage.faults()
    await say("the last one shows the gap")
    await until(lambda: theirs.texts() == expected, "gaps are closed")
    print("closes gaps")

    await bob.__aexit__()
    for part in range(6):
        await say(*(f"away {part}.{n}" for n in range(25)))
    edited, deleted = (await say("to be edited", "to be deleted"))
    await alice.call("PATCH", f"/v1/conversations/{chat}/messages/{edited}", {"text": "edited"})
    await alice.call("DELETE", f"/v1/conversations/{chat}/messages/{deleted}")
    await alice.call("PUT", f"/v1/conversations/{chat}/messages/{edited}/reactions/👍")
    expected[-2:] = ["edited"]
    bob = await stage.client(f"bob-{tag}", SHORT_SECONDS)
    theirs = bob.conversation(chat)
    await until(lambda: theirs.texts() == ours.texts() == expected, "everything is there after a time away")
    await until(lambda: len(theirs.messages[edited]["given"]) == 1, "the reaction counts once")
    await agrees(alice, chat)
    await agrees(bob, chat)
    print("catches up after a time away, with edits, deletions and reactions")

    await until(lambda: bob.connections > 2, "connections are renewed")
    await say("after the renewal")
    await bob.send(chat, "here as well")
    expected.append("here as well")
    await until(lambda: theirs.texts() == ours.texts() == expected, "a renewed connection works")
    print("renews its connection")

    group = (await alice.call("POST", "/v1/conversations", {"type": "group", "title": "Team", "member_ids": [bob.user_id]}))["conversation_id"]
    await alice.send(group, "before")
    await alice.call("DELETE", f"/v1/conversations/{group}/members/{bob.user_id}")
    await alice.send(group, "not for bob")
    await alice.call("POST", f"/v1/conversations/{group}/members", {"user_ids": [bob.user_id]})
    seq = await alice.send(group, "after")
    await until(lambda: bob.conversation(group).cursor == seq, "hidden ranges are crossed")
    assert bob.conversation(group).texts() == ["before", "after"]
    await agrees(bob, group)
    print("crosses what is hidden")
    for client in (alice, bob):
        await client.__aexit__()


async def main():
    async with aiohttp.ClientSession() as session:
        with local_cloud.running("FloodLimit=0", "EventLimit=0") as endpoints:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await everything(Stage(endpoints, session))


if __name__ == "__main__":
    asyncio.run(main())
