"""A machine for tests of everything but the machine: a real sshd behind every instance that the emulator launches.

Whoever logs in may send what they like: nothing of it is ever run. `answers.sh`, which the test writes, says what
comes back. Host key and authorized key are those of the launch, read from the machine room at every connection;
while no instance runs, connections end as they do at a machine that still boots, and while there is a file `silent`
they get no answer at all.

The login user must exist, so all of this lives in a mount namespace of its own with another /etc/passwd, and in a
process namespace of its own, so that nothing outlives it.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import yaml

INSIDE = "DSS_STUB_MACHINE_INSIDE"
SSHD = "/usr/sbin/sshd"
CONFIGURATION = """
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
ForceCommand {folder}/answer
AuthenticationMethods publickey
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
PrintMotd no
PrintLastLog no
PermitUserEnvironment no
MaxSessions 100
MaxStartups 100
PidFile none
KexAlgorithms curve25519-sha256
LogLevel ERROR
"""
# Standard input is read only where a shell would read its script there.
ANSWER = """#!/bin/sh
said=$SSH_ORIGINAL_COMMAND
case $said in *'sh -s'*) said="$said
$(cat)" ;; esac
folder={folder}
. {folder}/answers.sh
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="A machine for tests that never runs what it is told.")
    parser.add_argument("folder", type=Path, help="where its files are; answers.sh is there already")
    parser.add_argument("room", type=Path, help="the emulator's machine room")
    parser.add_argument("users", nargs="+", help="who can log in")
    arguments = parser.parse_args()
    if INSIDE not in os.environ:
        enter_namespaces()
    prepare(arguments.folder, arguments.users)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        print(f"listening on {server.getsockname()[1]}", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        if os.fork() == 0:
            serve(server, arguments.folder, arguments.room)
        # As the first process of its namespace it takes all others with it.
        while sys.stdin.buffer.read(4096):
            pass


def enter_namespaces() -> None:
    spaces = ["--mount", "--pid", "--mount-proc", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        spaces += ["--user", "--map-current-user", "--keep-caps"]
    os.environ[INSIDE] = "yes"
    os.execvp("unshare", ["unshare", *spaces, sys.executable, *sys.argv])


def prepare(folder: Path, users: list[str]) -> None:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (folder / "sshd_config").write_text(CONFIGURATION.format(folder=folder))
    (folder / "answer").write_text(ANSWER.format(folder=folder))
    (folder / "answer").chmod(0o755)
    known = [line for line in Path("/etc/passwd").read_text().splitlines() if line.split(":")[0] not in users]
    own = [f"{user}:*:{os.geteuid()}:{os.getegid()}::{home}:/bin/sh" for user in users]
    (folder / "passwd").write_text("\n".join(own + known) + "\n")
    subprocess.run(["mount", "--bind", folder / "passwd", "/etc/passwd"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    Path("/run/sshd").mkdir(mode=0o755)


def serve(server: socket.socket, folder: Path, room: Path) -> None:
    """One process for each connection: it takes the keys of the instance that runs now and becomes sshd."""
    while True:
        connection, _ = server.accept()
        if os.fork():
            connection.close()
            continue
        server.close()
        while (folder / "silent").exists():
            time.sleep(1)
        if not take_keys(folder, room):
            os._exit(0)
        os.dup2(connection.fileno(), 0)
        os.dup2(connection.fileno(), 1)
        log = os.open(folder / "sshd.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 2)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.execv(SSHD, [SSHD, "-i", "-e", "-f", str(folder / "sshd_config")])


def take_keys(folder: Path, room: Path) -> bool:
    """Writes the keys of the instance that runs; false where none does or its user data has no host key."""
    launches = [json.loads(path.read_text()) for path in sorted(room.glob("i-*.json"), key=lambda one: one.stat().st_mtime)]
    running = [one for one in launches if one["state"] == "running"]
    if not running:
        return False
    data = yaml.safe_load(running[-1]["user_data"])
    key = data.get("ssh_keys", {}).get("ed25519_private") if isinstance(data, dict) else None
    if not key:
        return False
    authorized = [running[-1]["public_key"] or "", *data.get("ssh_authorized_keys", [])]
    write(folder / "host_key", key)
    write(folder / "authorized_keys", "\n".join(authorized) + "\n")
    return True


def write(path: Path, text: str) -> None:
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.touch(0o600)
    new.write_text(text)
    os.replace(new, path)


main()
