"""Says what standard input lists over a socket, and waits for every ack."""

import json
import sys

from websockets.sync.client import connect

wanted = json.load(sys.stdin)
with connect(wanted["url"], subprotocols=["hubbub.v1"], open_timeout=20) as ws:
    ws.send(json.dumps({"type": "hello", "token": wanted["token"]}))
    waiting = set()
    for number, (room, message) in enumerate(wanted["messages"]):
        body = {"text": f"Message *{number}* of this room, http://127.0.0.1/"}
        ws.send(json.dumps({"type": "send", "id": message, "room": room, "body": body}))
        waiting.add(message)
    while waiting:
        frame = json.loads(ws.recv(timeout=20))
        if frame["type"] == "error":
            sys.exit(f"talk: {frame}")
        if frame["type"] == "ack":
            waiting.discard(frame["id"])
