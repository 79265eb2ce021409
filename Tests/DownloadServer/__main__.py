"""Starts the server that tests download from; see README.md."""

import hashlib
import json
import os
import re
import signal
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

DENIED = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'


class Store:
    """Files, faults and a record of requests, behind one lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.files: dict[str, bytes] = {}
        self.faults: list[dict[str, Any]] = []
        self.barriers: dict[int, threading.Barrier] = {}
        self.requests: list[dict[str, Any]] = []

    def fault(self, method: str, path: str) -> dict[str, Any]:
        with self.lock:
            for order in self.faults:
                if not re.search(order.get("path", ""), path) or order.get("method") not in (None, method):
                    continue
                if order.get("after", 0) > 0:
                    order["after"] -= 1
                    continue
                order["times"] = order.get("times", 1) - 1
                if order["times"] <= 0:
                    self.faults.remove(order)
                return order
        return {}

    def wait_for_others(self, order: dict[str, Any]) -> None:
        with self.lock:
            barrier = self.barriers.setdefault(id(order), threading.Barrier(order["count"]))
        barrier.wait(timeout=30)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.store = Store()
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request, client_address) -> None:
        """A client that went away is what fault tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_PUT(self) -> None:
        self.server.store.files[self.file_path()] = self.body()
        self.send(204)

    def do_POST(self) -> None:
        self.server.store.faults += json.loads(self.body())
        self.send(204)

    def do_GET(self) -> None:
        if self.path.startswith("/_control"):
            prefix = parse_qs(urlsplit(self.path).query)["path"][0]
            found = [one for one in self.server.store.requests if one["path"].startswith(prefix)]
            return self.send(200, json.dumps(found).encode())
        self.serve()

    def do_DELETE(self) -> None:
        prefix = parse_qs(urlsplit(self.path).query)["path"][0]
        store = self.server.store
        store.faults = [one for one in store.faults if not one["path"].startswith(prefix)]
        self.send(204)

    def do_HEAD(self) -> None:
        self.serve()

    def serve(self) -> None:
        path = self.file_path()
        fault = self.server.store.fault(self.command, path)
        kind = fault.get("kind")
        if kind == "together":
            self.server.store.wait_for_others(fault)
        if kind == "change":
            changed = bytes((byte + 1) & 0xFF for byte in self.server.store.files[path])
            self.server.store.files[path] = changed
        content = self.server.store.files.get(path)
        if kind == "reset":
            self.note(path, 0)
            return self.reset()
        if kind == "status":
            self.note(path, fault["status"])
            return self.send(fault["status"], b"<html>ordered</html>", fault.get("headers", {}))
        if content is None:
            self.note(path, 403)
            return self.send(403, DENIED, {"Content-Type": "application/xml"})
        status, piece, headers = self.part(content, ignores_range=kind == "whole")
        self.note(path, status)
        if kind == "corrupt":
            piece = bytes([piece[0] ^ 0xFF]) + piece[1:]
        self.send(status, piece, headers, half=kind == "truncate")

    def part(self, content: bytes, ignores_range: bool) -> tuple[int, bytes, dict[str, str]]:
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        headers = {"ETag": tag, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not wanted or ignores_range or self.headers.get("If-Range", tag) != tag:
            return 200, content, headers
        first, last = int(wanted[1]), min(int(wanted[2]), len(content) - 1)
        if first >= len(content):
            return 416, b"", headers | {"Content-Range": f"bytes */{len(content)}"}
        return 206, content[first : last + 1], headers | {"Content-Range": f"bytes {first}-{last}/{len(content)}"}

    def note(self, path: str, status: int) -> None:
        request = {"method": self.command, "path": path, "range": self.headers.get("Range"), "status": status}
        self.server.store.requests.append(request)

    def file_path(self) -> str:
        return unquote(urlsplit(self.path).path)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None, half: bool = False) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        if half:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if half else body)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        raise ConnectionResetError

    def log_request(self, code="-", size="-") -> None:
        pass


def end_with_standard_input() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


server = Server()
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
signal.signal(signal.SIGINT, lambda *_: os._exit(0))
threading.Thread(target=end_with_standard_input, daemon=True).start()
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever(poll_interval=3600)
