"""Users, conversations, messages and files for requests to name."""

import base64
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid

# Accounts and conversations that may be lost, for operations that take them away.
EXPENDABLE = 40


def request(method, url, token=None, body=None, headers=None):
    """Returns the JSON of a successful answer; `None` if it has no body."""
    headers = dict(headers or {})
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    sent = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(sent, timeout=60) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {url}: {error.code} {error.read().decode()}") from error
    return json.loads(text) if text else None


def program(urls):
    """Returns a server token, by client credentials."""
    client = urls["programs"][0]
    credentials = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    form = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
    sent = urllib.request.Request(urls["oauth_token"], data=form, headers={"authorization": f"Basic {credentials}"})
    with urllib.request.urlopen(sent, timeout=60) as answer:
        return json.loads(answer.read())["access_token"]


class User:
    def __init__(self, urls, name):
        self.http = urls["http"].rstrip("/")
        self.token = request("POST", urls["oidc_token"], body={"username": name})["access_token"]
        self.id = self.call("PUT", "/v1/users/me", {"display_name": name})["user_id"]

    def call(self, method, path, body=None):
        return request(method, self.http + path, self.token, body)

    def create(self, **fields):
        return self.call("POST", "/v1/conversations", fields)["conversation_id"]

    def send(self, conversation, text):
        body = {"client_message_id": str(uuid.uuid4()), "text": text}
        return self.call("POST", f"/v1/conversations/{conversation}/messages", body)["seq"]


def create(urls):
    """Fills the cloud, and returns what the hooks choose from."""
    alice, bob = User(urls, "alice"), User(urls, "bob")
    group = alice.create(type="group", title="Ships", topic="Arrivals", history="full", member_ids=[bob.id])
    public = alice.create(type="public", title="Harbour")
    private = alice.create(type="private", member_ids=[bob.id])
    for conversation in [group, public, private]:
        for text in ["Hello, world", "Look at https://example.com", "Goodbye"]:
            alice.send(conversation, text)
    bob.send(group, "Hello, Alice")
    alice.call("PATCH", f"/v1/conversations/{group}/messages/2", {"text": "Hello, worlds", "mentions": [bob.id]})
    alice.call("PUT", f"/v1/conversations/{group}/messages/2/reactions/%F0%9F%91%8D")
    alice.call("DELETE", f"/v1/conversations/{group}/messages/4")
    files = [announce(alice, group, size) for size in [5, 200 * 1024 * 1024]]
    export = alice.call("POST", "/v1/users/me/export", {})["export_id"]
    backend = program(urls)
    http = urls["http"].rstrip("/")
    imported = request("POST", f"{http}/v1/server/imports", backend, {"source": "contract", "size": 1000})["import_id"]
    lost_users = [User(urls, f"lost-{n}") for n in range(EXPENDABLE)]
    lost = [alice.create(type="group", title=f"Lost {n}", member_ids=[bob.id]) for n in range(EXPENDABLE)]
    return {
        "tokens": {"user": alice.token, "backend": backend, "lost": [user.token for user in lost_users]},
        "users": [alice.id, bob.id],
        "lost_users": [user.id for user in lost_users],
        "conversations": [group, public, private],
        "lost_conversations": lost,
        "files": files,
        "exports": [export],
        "imports": [imported],
    }


def announce(user, conversation, size):
    digest = hashlib.sha256(b"hello").hexdigest()
    body = {"name": "ship.txt", "content_type": "text/plain", "size": size, "sha256": digest}
    return user.call("POST", f"/v1/conversations/{conversation}/files", body)["file"]["file_id"]
