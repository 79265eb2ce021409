"""One process that has imported moto, and a fork of it for each emulator that a test wants.

Importing moto and loading its services takes five seconds of CPU, a fork some milliseconds. Every fork has a port
and a state of its own, and ends with its parent.
"""

import gc
import os
import sys
from collections.abc import Callable

from extensions import internal
from moto.moto_api._internal import mock_random

from server import Server

# One harmless operation each; moto loads a service at its first request.
SERVICES = {
    "cloudformation": "list_stacks",
    "cloudfront": "list_distributions",
    "codebuild": "list_projects",
    "ec2": "describe_regions",
    "iam": "list_roles",
    "logs": "describe_log_groups",
    "s3": "list_buckets",
    "ssm": "describe_parameters",
    "sts": "get_caller_identity",
}


def serve_forks(open_server: Callable[[], Server], serve: Callable[[Server], None]) -> None:
    """Reads orders, a line each: `start` is answered with `PID URL`, `stop PID` with `stopped`."""
    for service, operation in SERVICES.items():
        getattr(internal.client(service, "eu-central-1"), operation)()
    # What is loaded by now stays out of garbage collections, which would copy the pages that forks share.
    gc.collect()
    gc.freeze()
    # The writing end of the pipe that each fork has as its standard input.
    inputs: dict[int, int] = {}
    for line in iter(sys.stdin.readline, ""):
        order, *arguments = line.split()
        if order == "start":
            # It listens before the fork, so that connections wait for it and the address is known at once.
            server = open_server()
            reader, writer = os.pipe()
            pid = os.fork()
            if pid == 0:
                for other in (writer, *inputs.values()):
                    os.close(other)
                os.dup2(reader, sys.stdin.fileno())
                # Else all forks would make the same ids.
                mock_random.seed()
                serve(server)
            os.close(reader)
            server.server_close()
            inputs[pid] = writer
            print(pid, server.url, flush=True)
        else:
            pid = int(arguments[0])
            if pid in inputs:
                os.close(inputs.pop(pid))
                os.waitpid(pid, 0)
            print("stopped", flush=True)
    os._exit(0)
