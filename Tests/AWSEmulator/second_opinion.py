"""Starts ministack, another emulator of AWS, on a free port; it ends when standard input does.

moto and our extensions of it share some of our own understanding; ministack was written by others.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, process: subprocess.Popen) -> None:
    for _ in range(300):
        if process.poll() is not None:
            sys.exit("ministack ended at once")
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("ministack did not answer")


def main() -> None:
    port = free_port()
    environment = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    program = Path(sys.executable).with_name("ministack")
    process = subprocess.Popen(
        [program], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url, process)
        print(f"listening on {url}", flush=True)
        sys.stdin.read()
    finally:
        # It has nothing to save, and takes its time to end by itself.
        process.kill()
        process.wait()


main()
