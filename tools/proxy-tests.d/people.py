"""Those who come through a proxy: requests and sockets, from an address and with a cookie of theirs."""

import asyncio
import http.client
import itertools
import json
import socket
import ssl
import threading
import time
import uuid

from websockets.asyncio.client import connect

PASSWORD = "correct horse battery"
addresses = (f"127.7.{i // 250}.{i % 250 + 1}" for i in itertools.count())


def uuid7():
    """A version 7 UUID, which messages are named by."""
    now = int(time.time() * 1000)
    value = (now << 80) | (uuid.uuid4().int & ((1 << 80) - 1))
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    return str(uuid.UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62)))


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.getheaders()
        self.body = response.read()

    def header(self, name):
        return response_header(self.headers, name)

    def json(self):
        return json.loads(self.body)


def response_header(headers, name):
    values = [value for key, value in headers if key.lower() == name.lower()]
    return values[0] if values else None


class Person:
    """Somebody with an address and a cookie. `cookie=None`: one who keeps no cookies."""

    def __init__(self, proxy, cookie=None, address=None, token=None):
        self.proxy, self.cookie, self.token = proxy, cookie, token
        self.address = address or next(addresses)
        self.tls = ssl.create_default_context(cafile=str(proxy.lab.certificate.cert))

    def headers(self):
        headers = {}
        if self.cookie:
            headers["Cookie"] = f"hubbub_node={self.cookie}"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers

    def request(self, method, path, body=None, headers=None, timeout=60):
        """A request over a connection of its own. A body that is no bytes is sent as JSON."""
        headers = {**self.headers(), **(headers or {})}
        if body is not None and not hasattr(body, "__next__") and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPSConnection(
            "localhost", self.proxy.https, timeout=timeout, context=self.tls,
            source_address=(self.address, 0),
        )  # fmt: skip
        # `localhost` may be ::1, which no address of ours can reach.
        connection._create_connection = lambda target, *rest: create_connection(target[1], *rest)
        try:
            connection.request(method, path, body, headers, encode_chunked=hasattr(body, "__next__"))
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def api(self, method, path, body=None, expect=(200, 201, 204)):
        answer = self.request(method, f"/api/v1{path}", body)
        assert answer.status in expect, (method, path, answer.status, answer.body[:500])
        return answer.json() if answer.body else None

    def register(self):
        name = f"u{uuid.uuid4().hex[:12]}"
        made = self.api("POST", "/register", {"username": name, "password": PASSWORD})
        self.token = made["access_token"]
        return self

    def with_cookie(self, cookie):
        """The same account in another browser, elsewhere."""
        return Person(self.proxy, cookie, token=self.token)

    def socket(self, timeout=15):
        """A socket that has said hello. Its `node` is the gateway that answered."""
        there = Socket(connect(
            f"wss://localhost:{self.proxy.https}/ws",
            sock=create_connection(self.proxy.https, timeout, (self.address, 0)),
            ssl=self.tls, server_hostname="localhost", subprotocols=["hubbub.v1"], compression=None,
            additional_headers={**self.headers(), "Origin": f"https://localhost:{self.proxy.https}"},
            open_timeout=timeout, ping_interval=None, close_timeout=2, proxy=None,
        ))  # fmt: skip
        there.send(json.dumps({"type": "hello", "token": self.token}))
        there.node = receive(there, "ready")["node"]
        return there

    def node(self):
        """The gateway that this person's sockets come to."""
        with self.socket() as socket:
            return socket.node


class Socket:
    """A WebSocket for code that waits. All of them live in one thread: TLS may not be shared by two."""

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    def __init__(self, connecting):
        self.connection = self.wait(self.open(connecting))
        self.subprotocol = self.connection.subprotocol

    @staticmethod
    async def open(connecting):
        return await connecting

    def wait(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def send(self, text):
        self.wait(self.connection.send(text))

    def recv(self, timeout):
        return self.wait(asyncio.wait_for(self.connection.recv(), timeout))

    def read_on(self):
        """Reads whatever comes, in the background; the future ends when the socket does."""

        async def read():
            async for _ in self.connection:
                pass

        return asyncio.run_coroutine_threadsafe(read(), self.loop)

    def close(self):
        self.wait(self.connection.close())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def create_connection(port, timeout=60, source=None):
    return socket.create_connection(("127.0.0.1", port), timeout, source)


def receive(socket, kind, timeout=15):
    """The next frame of a kind; others are passed over."""
    deadline = time.monotonic() + timeout
    while True:
        frame = json.loads(socket.recv(timeout=max(0.01, deadline - time.monotonic())))
        if frame["type"] == kind:
            return frame


def say(socket, room):
    """Sends a message and waits until it is stored."""
    name = uuid7()
    socket.send(json.dumps({"type": "send", "id": name, "room": room, "body": {"text": "hello"}}))
    while receive(socket, "ack")["id"] != name:
        pass
