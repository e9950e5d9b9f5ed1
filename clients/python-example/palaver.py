"""A minimal client, written from `docs/client-guide.md` and `docs/protocol.md` alone. Numbers in comments are rules of that guide.

It sends, receives, keeps a copy of each conversation without gaps, reports receipts, and renews its connection. It keeps nothing on
disk, and leaves out public conversations, typing and files.
"""

import asyncio
import base64
import itertools
import json
import random
import time
import uuid

import aiohttp

MAX_BATCH = 25
MAX_BATCH_BYTES = 30_000
MAX_CURSORS = 50
MAX_RECEIPTS = 100
ANSWER_SECONDS = 10
GAP_SECONDS = 1
RECEIPT_SECONDS = 1
SECOND_SYNC_SECONDS = 3
SYNC_SECONDS = 300
PING_SECONDS = 540
RENEW_BEFORE_EXPIRY_SECONDS = 60
RENEW_SECONDS = (100 * 60, 118 * 60)


class Refused(Exception):
    """An error that the server has answered: `code`, `retryable`, and the milliseconds to wait."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['detail']}")
        self.code, self.retryable = error["code"], error["retryable"]
        self.retry_after = (error.get("retry_after_ms") or 0) / 1000


class AnswerLost(Exception):
    """The request may have succeeded, or not."""


class SignedOut(Exception):
    """No token will do: the user was deleted, or the issuer's tokens are not accepted."""


class Conversation:
    """The copy of one log: messages by seq, and the cursor below which nothing is missing (1)."""

    def __init__(self, conversation_id):
        self.id = conversation_id
        self.cursor = 0
        self.messages = {}
        self.receipts = {}
        self._held = {}
        self._hidden = []

    @property
    def has_gap(self):
        """True while items wait for others before them."""
        return bool(self._held)

    def texts(self):
        """Returns the texts, in order."""
        return [message["text"] for _, message in sorted(self.messages.items()) if message["kind"] == "text"]

    def take(self, items, hidden=(), expired_seq=0):
        """Takes in items in any order, also repeated ones. Returns those that have reached the cursor, in order."""
        self._held |= {item["seq"]: item for item in items if item["seq"] > self.cursor}  # 2, 3
        self._hidden += [span for span in hidden if span[1] > self.cursor]  # 4
        reached = []
        while True:
            if (item := self._held.pop(self.cursor + 1, None)) is not None:
                self.cursor += 1
                self._apply(item)
                reached.append(item)
            elif (last := max((last for first, last in self._hidden if first <= self.cursor + 1), default=0)) > self.cursor:
                self.cursor = last
            else:
                break
        self._held = {seq: item for seq, item in self._held.items() if seq > self.cursor}
        self._hidden = [span for span in self._hidden if span[1] > self.cursor]
        self.messages = {seq: message for seq, message in self.messages.items() if seq > expired_seq}
        return reached

    def mark(self, receipt):
        """Takes in a watermark of another user (17)."""
        marks = self.receipts.setdefault(receipt["user_id"], {"delivered": 0, "read": 0})
        marks[receipt["kind"]] = max(marks[receipt["kind"]], receipt["seq"])

    def _apply(self, item):
        """Changes the target of an event (7), or adds a message. Unknown kinds are shown as nothing (6)."""
        kind, target = item["kind"], self.messages.get(item.get("target_seq"))
        if kind == "user_erased":
            for message in self.messages.values():
                message["given"] = {one for one in message["given"] if one[0] != item["user_id"]}
                if message["sender_id"] == item["user_id"] and message["kind"] == "text":
                    _erase(message)
        elif kind == "message_edited":
            # Without a text the old one stays.
            if target is not None and target["kind"] == "text" and "text" in item:
                for field in ("text", "reply_to_seq", "mentions", "attachments"):
                    target.pop(field, None)
                    if field in item:
                        target[field] = item[field]
        elif kind == "message_deleted":
            if target is not None:
                _erase(target)
        elif kind == "reaction":
            if target is not None:
                change = target["given"].add if item["on"] else target["given"].discard
                change((item["sender_id"], item["emoji"]))
        else:
            # `reactions` include events that still follow.
            self.messages[item["seq"]] = {**item, "given": set()}


def _erase(message):
    message["kind"], message["given"] = "deleted", set()
    for field in ("text", "reply_to_seq", "mentions", "attachments"):
        message.pop(field, None)


class Outgoing:
    """A message that waits for its seq: one id for all attempts (8)."""

    def __init__(self, text, reply_to_seq):
        self.id = str(uuid.uuid4())
        self.fields = {"client_message_id": self.id, "text": text}
        if reply_to_seq is not None:
            self.fields["reply_to_seq"] = reply_to_seq
        self.accepted = asyncio.get_running_loop().create_future()


class Client:
    """The client of a user with this name. `get_token` is asked at each connection; `on_item` gets every item, in the order of its log."""

    def __init__(self, http, websocket, get_token, name, on_item=lambda conversation, item: None):
        self.conversations = {}
        self.user_id = None
        self.connections = 0
        self._http, self._websocket = http.rstrip("/"), websocket
        self._get_token, self._name, self._on_item = get_token, name, on_item
        self._socket, self._heard = None, 0
        self._online = asyncio.Event()
        self._requests = {}
        self._frames = itertools.count(1)
        self._outboxes, self._senders, self._unanswered = {}, {}, {}
        self._receipts = {"ack": {}, "read": {}}
        self._receipts_due = asyncio.Event()
        self._sync_lock = asyncio.Lock()
        self._closing_gaps = set()
        self._tasks = set()

    async def __aenter__(self):
        self._session = aiohttp.ClientSession()
        self._main = self._spawn(self._stay_connected())
        return self

    async def __aexit__(self, *_):
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._session.close()

    async def ended(self):
        """Waits for the end of the client. Raises `SignedOut` when no token is accepted any more."""
        await asyncio.shield(self._main)

    async def call(self, method, path, body=None, token=None):
        """Makes an HTTP request once, and returns the JSON of its answer."""
        headers = {"authorization": f"Bearer {token or await self._get_token()}"}
        async with self._session.request(method, self._http + path, json=body, headers=headers) as answer:
            content = json.loads(await answer.read() or "null")
            if answer.status < 400:
                return content
            # API Gateway's own answers have no code.
            worth_repeating = answer.status in (429, 500, 503)
            raise Refused({"code": str(answer.status), "detail": answer.reason, "retryable": worth_repeating, **(content or {})})

    def conversation(self, conversation_id):
        """Returns the copy of a conversation; an empty one, if it is not known yet."""
        return self.conversations.setdefault(conversation_id, Conversation(conversation_id))

    async def send(self, conversation_id, text, reply_to_seq=None):
        """Sends a message for as long as it takes (9), and returns its seq. Raises `Refused` if it is refused for good."""
        message = Outgoing(text, reply_to_seq)
        self._outboxes.setdefault(conversation_id, []).append(message)
        if conversation_id not in self._senders:
            self._senders[conversation_id] = self._spawn(self._send_all(conversation_id))
        return await message.accepted

    def read(self, conversation_id, seq):
        """Says that the user has seen everything up to a seq."""
        self._report("read", conversation_id, seq)

    def sync(self):
        """Catches up with everything, in the background."""
        self._spawn(self._sync())

    # The connection

    async def _stay_connected(self):
        attempts, refused_token = 0, None
        while True:
            try:
                token = await self._get_token()
                if self.user_id is None:
                    self.user_id = (await self.call("PUT", "/v1/users/me", {"display_name": self._name}, token))["user_id"]  # 18a
                if token == refused_token:
                    raise SignedOut("the token is not accepted")
                headers = {"authorization": f"Bearer {token}"}
                async with self._session.ws_connect(self._websocket, headers=headers, max_msg_size=0) as socket:
                    attempts, refused_token = 0, None
                    self.connections += 1
                    await self._serve(socket, token)
            except aiohttp.WSServerHandshakeError as refusal:
                if refusal.status == 403 and await self._is_refused(token):
                    if refused_token is not None:
                        raise SignedOut("no token is accepted") from refusal
                    refused_token = token
            except Refused as refusal:
                if not refusal.retryable:
                    raise
            except (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError):
                pass
            await asyncio.sleep(random.uniform(0, min(30, 0.5 * 2**attempts)))  # 22
            attempts += 1

    async def _is_refused(self, token):
        """Asks why a handshake was refused (23)."""
        try:
            await self.call("GET", "/v1/users/me", token=token)
        except Refused as refusal:
            if refusal.code == "user_deleted":
                raise SignedOut("the user was deleted") from refusal
            return refusal.code in ("401", "unauthorized")
        return False

    async def _serve(self, socket, token):
        """Uses a connection until it ends, or has to be renewed."""
        self._socket = socket
        self._online.set()
        age = asyncio.timeout(_lifetime(token))
        keepers = [self._spawn(task) for task in (self._keep_synced(), self._keep_alive(socket), self._keep_reporting())]
        try:
            async with age:
                async for frame in socket:
                    self._heard = time.monotonic()
                    if frame.type == aiohttp.WSMsgType.TEXT and frame.data and self._received(json.loads(frame.data)):
                        break
        except TimeoutError:
            pass
        finally:
            self._online.clear()
            self._socket = None
            for task in keepers:
                task.cancel()
            self._lose_answers()

    def _received(self, frame):
        """Handles a frame; returns true if the connection is over."""
        kind = frame.get("type")
        if kind is None:
            self._lose_answers()  # 24
        elif kind == "error":
            error = Refused(frame["error"])
            self._answer(frame, error)
            return error.code in ("token_expired", "user_deleted")
        elif "reply_to" in frame:
            self._answer(frame, None)
        elif kind in ("message", "message_edited", "message_deleted", "reaction"):
            self._pushed([frame["message"]])
        elif kind == "messages":
            self._pushed(frame["messages"])
        elif kind == "receipts":
            for receipt in frame["receipts"]:
                self.conversation(receipt["conversation_id"]).mark(receipt)
        return kind == "token_expired"

    async def _keep_alive(self, socket):
        while True:
            await asyncio.sleep(PING_SECONDS)  # 20
            asked = time.monotonic()
            await socket.send_str(_encoded({"action": "ping"}))
            await asyncio.sleep(ANSWER_SECONDS)
            if self._heard < asked:
                await socket.close()

    async def _request(self, action, **fields):
        """Sends a frame on the present or next connection, and returns its answer."""
        while self._socket is None:
            await self._online.wait()
        reply_to = str(next(self._frames))
        answer = self._requests[reply_to] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send_str(_encoded({"action": action, "id": reply_to, **fields}))
            return await asyncio.wait_for(answer, ANSWER_SECONDS)
        except (ConnectionError, asyncio.TimeoutError) as lost:
            raise AnswerLost from lost
        finally:
            del self._requests[reply_to]

    def _answer(self, frame, error):
        waiting = self._requests.get(frame.get("reply_to"))
        if waiting is None or waiting.done():
            return
        if error is None:
            waiting.set_result(frame)
        else:
            waiting.set_exception(error)

    def _lose_answers(self):
        for waiting in self._requests.values():
            if not waiting.done():
                waiting.set_exception(AnswerLost())

    # Sending

    async def _send_all(self, conversation_id):
        """Has one `send` under way; what is said meanwhile goes together in the next (10)."""
        outbox = self._outboxes[conversation_id]
        while outbox:
            sizes = itertools.accumulate(len(_encoded(message.fields).encode()) for message in outbox[:MAX_BATCH])
            count = max(1, sum(size <= MAX_BATCH_BYTES for size in sizes))
            batch = [outbox.pop(0) for _ in range(count)]
            self._unanswered |= {message.id: message for message in batch}
            await self._send_batch(self.conversation(conversation_id), batch)
            for message in batch:
                del self._unanswered[message.id]
        del self._senders[conversation_id]

    async def _send_batch(self, conversation, batch):
        """Sends messages again and again, without others and with their first `after_seq` (8, 10a)."""
        after_seq, one_by_one = conversation.cursor, False
        for attempt in itertools.count():
            batch = [message for message in batch if not message.accepted.done()]
            if not batch:
                return
            part = batch[:1] if one_by_one else batch
            error = None
            try:
                messages = [message.fields for message in part]
                sent = await self._request("send", conversation_id=conversation.id, after_seq=after_seq, messages=messages)
                self._sent(conversation, part, sent["messages"])
                error = Refused(sent["error"]) if "error" in sent else None
            except AnswerLost:
                await asyncio.sleep(random.uniform(0, min(30, 0.5 * 2**attempt)))
            except Refused as refusal:
                error = refusal
            if error is None or error.code == "token_expired":
                continue
            if error.code == "behind":
                await self._catch_up([conversation.id])  # 11
                after_seq = conversation.cursor
            elif error.retryable:
                await asyncio.sleep(error.retry_after + random.uniform(0, min(30, 0.5 * 2**attempt)))  # 13
            elif not one_by_one and len(batch) > 1:
                one_by_one = True  # 10b
            else:
                batch[0].accepted.set_exception(error)

    def _sent(self, conversation, part, answers):
        """Inserts messages by their answer (12): they are not pushed to this connection."""
        fields = {message.id: message.fields for message in part}
        for answer in answers:
            answer = {key: value for key, value in answer.items() if key != "duplicate"}
            item = {**fields[answer["client_message_id"]], **answer, "conversation_id": conversation.id}
            self._take(conversation, [{**item, "sender_id": self.user_id, "kind": "text"}])

    # The log

    def _pushed(self, items):
        for item in items:
            self._take(self.conversation(item["conversation_id"]), [item])

    def _take(self, conversation, items, hidden=(), expired_seq=0):
        for item in items:
            # One's own message is its answer.
            message = self._unanswered.get(item.get("client_message_id"))
            if message is not None and not message.accepted.done():
                message.accepted.set_result(item["seq"])
        reached = conversation.take(items, hidden, expired_seq)
        for item in reached:
            self._on_item(conversation, item)
        others = [item["seq"] for item in reached if item["sender_id"] != self.user_id]
        if others:
            self._report("ack", conversation.id, others[-1])  # 16
        if conversation.has_gap and conversation.id not in self._closing_gaps:
            self._closing_gaps.add(conversation.id)
            self._spawn(self._close_gap(conversation))

    async def _close_gap(self, conversation):
        await asyncio.sleep(GAP_SECONDS)  # 3
        self._closing_gaps.discard(conversation.id)
        if conversation.has_gap:
            await self._catch_up([conversation.id])

    async def _keep_synced(self):
        await self._sync()  # 19
        await asyncio.sleep(SECOND_SYNC_SECONDS)
        while True:
            await self._sync()
            await asyncio.sleep(SYNC_SECONDS)

    async def _sync(self):
        """Lists the conversations, and catches up those that have news."""
        behind, cursor = [], {}
        while cursor is not None:
            page = await self._repeat("sync", **cursor)
            for listed in page["conversations"]:
                if listed["head_seq"] > self.conversation(listed["conversation_id"]).cursor:
                    behind.append(listed["conversation_id"])
            cursor = {"cursor": page["cursor"]} if page["cursor"] else None
        await self._catch_up(behind)

    async def _catch_up(self, ids):
        """Asks for what is after the cursors until nothing more follows, one request at a time (5)."""
        async with self._sync_lock:
            while ids:
                asked, ids = ids[:MAX_CURSORS], ids[MAX_CURSORS:]
                page = await self._repeat("sync", cursors={one: self.conversation(one).cursor for one in asked})
                for found in page["conversations"]:
                    conversation = self.conversation(found["conversation_id"])
                    self._take(conversation, found["messages"], found["hidden"], found.get("expired_seq", 0))
                    if found["more"]:
                        ids.append(conversation.id)

    async def _repeat(self, action, **fields):
        """Makes a request that may be repeated until it has an answer."""
        for attempt in itertools.count():
            try:
                return await self._request(action, **fields)
            except AnswerLost:
                wait = 0
            except Refused as error:
                if not error.retryable and error.code != "token_expired":
                    raise
                wait = error.retry_after
            await asyncio.sleep(wait + random.uniform(0, min(30, 0.5 * 2**attempt)))

    # Receipts

    def _report(self, action, conversation_id, seq):
        waiting = self._receipts[action]
        waiting[conversation_id] = max(seq, waiting.get(conversation_id, 0))
        self._receipts_due.set()

    async def _keep_reporting(self):
        """Reports watermarks once a second at most (14), until they are accepted (15)."""
        while True:
            await self._receipts_due.wait()
            self._receipts_due.clear()
            for action, waiting in self._receipts.items():
                part = dict(itertools.islice(waiting.items(), MAX_RECEIPTS))
                if not part:
                    continue
                receipts = [{"conversation_id": one, "seq": seq} for one, seq in part.items()]
                try:
                    await self._request(action, receipts=receipts)
                except AnswerLost:
                    self._receipts_due.set()
                    continue
                except Refused as error:
                    if error.retryable or error.code == "token_expired":
                        self._receipts_due.set()
                        continue
                for one, seq in part.items():
                    if waiting[one] == seq:
                        del waiting[one]
                if waiting:
                    self._receipts_due.set()
            await asyncio.sleep(RECEIPT_SECONDS)

    def _spawn(self, work):
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _encoded(value):
    return json.dumps(value, ensure_ascii=False)


def _lifetime(token):
    """The seconds after which a connection with this token is renewed (21)."""
    claims = token.split(".")[1]
    left = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"] - time.time()
    before_expiry = left - RENEW_BEFORE_EXPIRY_SECONDS
    return min(before_expiry if before_expiry > 0 else left, random.uniform(*RENEW_SECONDS))
