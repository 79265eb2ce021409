"""A client of a running Jupyter server. The program of the checks starts with this file."""

import asyncio
import base64
import contextlib
import datetime
import json
import struct
import time
import urllib.parse
import uuid
import zlib
from http.cookies import SimpleCookie


class Fault(Exception):
    """What is wrong with the sandbox."""


class Kernel:
    """A kernel of the running server, reached by its REST API and its WebSocket, as a browser does it."""

    def __init__(self, port, secret, step):
        self.url = f"http://127.0.0.1:{port}"
        self.secret = secret
        self.step = step
        self.cookies = {}

    async def __aenter__(self):
        from tornado.websocket import websocket_connect

        await self.log_in()
        specs = json.loads(await self.fetch("/api/kernelspecs"))
        name = specs["default"]
        self.display_name = specs["kernelspecs"][name]["spec"]["display_name"]
        self.path = "/api/kernels/" + json.loads(await self.fetch("/api/kernels", json.dumps({"name": name})))["id"]
        request = self.request(f"{self.path}/channels")
        request.url = request.url.replace("http", "ws", 1)
        self.socket = await websocket_connect(request, max_message_size=1 << 26)
        return self

    async def __aexit__(self, *_):
        self.socket.close()
        with contextlib.suppress(Fault):
            await self.fetch(self.path, method="DELETE")

    async def log_in(self):
        """Submits the login form, which accepts the password or the token."""
        await self.fetch("/login")
        form = {"_xsrf": self.cookies.get("_xsrf", ""), "password": self.secret}
        await self.fetch("/login", urllib.parse.urlencode(form))

    def request(self, path, **options):
        from tornado.httpclient import HTTPRequest

        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookies, "X-XSRFToken": self.cookies.get("_xsrf", "")}
        return HTTPRequest(
            self.url + path, headers=headers, follow_redirects=False, connect_timeout=self.step,
            request_timeout=self.step, **options)

    async def fetch(self, path, body=None, method=None):
        from tornado.httpclient import AsyncHTTPClient

        method = method or ("GET" if body is None else "POST")
        try:
            answer = await AsyncHTTPClient().fetch(self.request(path, method=method, body=body), raise_error=False)
        except OSError as error:
            raise Fault(f"no response from {self.url}: {error}") from None
        if answer.code >= 400:
            raise Fault(f"{method} {path} returned {answer.code} {answer.reason}")
        for cookie in answer.headers.get_list("Set-Cookie"):
            self.cookies.update((name, morsel.coded_value) for name, morsel in SimpleCookie(cookie).items())
        return answer.body

    async def run(self, code):
        """Runs code and returns its output: https://jupyter-client.readthedocs.io/en/stable/messaging.html"""
        output, message = Output(), uuid.uuid4().hex
        header = {
            "msg_id": message, "msg_type": "execute_request", "session": message, "username": "", "version": "5.3",
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        }
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
        await self.socket.write_message(
            json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}))
        deadline = time.monotonic() + self.step
        while True:
            try:
                answer = await asyncio.wait_for(self.socket.read_message(), deadline - time.monotonic())
            except asyncio.TimeoutError:
                raise Fault(f"{excerpt(code)} did not end within {self.step} s") from None
            if answer is None:
                raise Fault(f"the connection to the kernel ended during {excerpt(code)}")
            answer = json.loads(answer)
            if answer["content"].get("execution_state") in ("restarting", "dead"):
                raise Fault(f"the kernel died during {excerpt(code)}")
            if answer["parent_header"].get("msg_id") == message:
                if output.add(answer["msg_type"], answer["content"]):
                    return output


class Output:
    def __init__(self):
        self.text = ""
        self.pictures = []

    def add(self, kind, content):
        """Adds a message and returns whether it is the last one."""
        if kind == "stream" and content["name"] == "stdout":
            self.text += content["text"]
        elif kind == "error":
            raise Fault(f"{content['ename']}: {content['evalue']}")
        elif kind in ("display_data", "execute_result") and "image/png" in content["data"]:
            self.pictures.append(base64.b64decode(content["data"]["image/png"]))
        return kind == "status" and content["execution_state"] == "idle"


def measure(png):
    """Returns width, height and the set of colors of a PNG file that is not interlaced: https://www.w3.org/TR/png/"""
    at, packed = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        content = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color_type = struct.unpack(">IIBB", content[:10])
        elif kind == b"IDAT":
            packed += content
        at += length + 12
    size = {2: 3, 6: 4}.get(color_type)
    if depth != 8 or not size:
        raise Fault(f"unexpected kind of PNG: color type {color_type} with {depth} bits")
    pixels, row, colors = zlib.decompress(packed), width * size, set()
    above = bytearray(row)
    for start in range(0, len(pixels), row + 1):
        line = bytearray(pixels[start + 1 : start + 1 + row])
        for i in range(row):
            left, corner = (line[i - size], above[i - size]) if i >= size else (0, 0)
            line[i] = (line[i] + predicted(pixels[start], left, above[i], corner)) & 255
        colors |= {bytes(line[i : i + size]) for i in range(0, row, size)}
        above = line
    return width, height, colors


def predicted(method, left, above, corner):
    if method == 4:
        estimate = left + above - corner
        return min((left, above, corner), key=lambda value: abs(estimate - value))
    return (0, left, above, (left + above) // 2)[method]


def excerpt(source):
    """The first line of code that is no comment."""
    lines = [line.strip() for line in source.splitlines()]
    code = [line for line in lines if line and not line.startswith("#")] or lines or [""]
    return code[0] if len(code[0]) <= 60 else code[0][:59] + "…"
