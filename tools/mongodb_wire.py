"""One MongoDB command at a time, over OP_MSG, without a driver.

Enough to initiate a replica set, to ask whether it has a primary, and to count. The formats are those of
https://bsonspec.org/spec.html and of the MongoDB wire protocol.
"""

import socket
import struct

OP_MSG = 2013


def command(port, document, timeout=5.0, database="admin"):
    """Runs `document` against a database of the mongod on this port; returns its answer."""
    body = encode({**document, "$db": database})
    message = struct.pack("<iiii", 16 + 4 + 1 + len(body), 1, 0, OP_MSG) + b"\0\0\0\0\0" + body
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(message)
        (length,) = struct.unpack("<i", receive(connection, 4))
        answer = receive(connection, length - 4)
    # The rest of the header, the flags, and the kind of the one section.
    return decode(answer, 12 + 4 + 1)[0]


def receive(connection, count):
    data = bytearray()
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise ConnectionError("mongod closed the connection")
        data += part
    return bytes(data)


def encode(document):
    body = b"".join(encode_element(name, value) for name, value in document.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def encode_element(name, value):
    name = name.encode() + b"\0"
    match value:
        case bool():
            return b"\x08" + name + (b"\1" if value else b"\0")
        case int():
            return b"\x10" + name + struct.pack("<i", value)
        case str():
            text = value.encode() + b"\0"
            return b"\x02" + name + struct.pack("<i", len(text)) + text
        case dict():
            return b"\x03" + name + encode(value)
        case list():
            return b"\x04" + name + encode({str(i): entry for i, entry in enumerate(value)})
    raise TypeError(f"no encoding for {type(value)}")


# Type byte → size of a value that is skipped or read as it is.
FIXED = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16}


def decode(data, at):
    """The document at `at`, and where it ends. Types nobody here asks for come as bytes."""
    (length,) = struct.unpack_from("<i", data, at)
    end = at + length
    at += 4
    document = {}
    while data[at] != 0:
        kind = data[at]
        name_end = data.index(0, at + 1)
        name = data[at + 1 : name_end].decode()
        document[name], at = decode_value(kind, data, name_end + 1)
    return document, end


def decode_value(kind, data, at):
    if kind in FIXED:
        raw = data[at : at + FIXED[kind]]
        value = {0x01: "<d", 0x08: "<?", 0x10: "<i", 0x12: "<q"}.get(kind)
        return (struct.unpack(value, raw)[0] if value else raw), at + FIXED[kind]
    if kind in (0x03, 0x04):
        return decode(data, at)
    (length,) = struct.unpack_from("<i", data, at)
    if kind == 0x02:
        return data[at + 4 : at + 4 + length - 1].decode(), at + 4 + length
    if kind == 0x05:
        return data[at + 5 : at + 5 + length], at + 5 + length
    raise ValueError(f"no decoding for BSON type {kind:#x}")
