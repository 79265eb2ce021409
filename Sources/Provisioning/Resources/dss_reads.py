"""Ansible inventory plugin: notes the files outside of the playbook's folder that Ansible reads on this host.

It has no hosts. Ansible loads inventory plugins before it reads the playbook, and forks the processes of tasks later,
so that they note their files too. Each line of the record is a JSON list: a path relative to the playbook's folder, and
the digest of what was read there, in the form of OutsideFiles.swift.
"""
import hashlib
import json
import os
import stat
import sys

from ansible import context
from ansible.plugins.inventory import BaseInventoryPlugin

DOCUMENTATION = """
name: dss_reads
short_description: A dependency file for the dss builder
description: Notes the files outside of the playbook's folder that are read.
"""

RUN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PLAYBOOK = os.path.dirname(os.path.abspath(context.CLIARGS["args"][0]))
# What is noted elsewhere, or is no file of the user.
KNOWN = tuple(
    {
        way(folder).rstrip("/") + "/"
        for folder in (PLAYBOOK, RUN, "/proc", "/sys", "/dev", *filter(None, sys.path))
        for way in (os.path.abspath, os.path.realpath)
    }
)
seen = set()


class InventoryModule(BaseInventoryPlugin):
    NAME = "dss_reads"

    def verify_file(self, path):
        return False


def digest(path):
    """The digest of a file, or of the names in a directory; None for anything else."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        return hashlib.sha256(b"\0".join(sorted(os.listdir(os.fsencode(path))))).hexdigest()
    if not stat.S_ISREG(mode):
        return None
    content = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            content.update(piece)
    return content.hexdigest() + (" executable" if mode & 0o111 else "")


def note(event, arguments):
    if event == "open":
        name, _, flags = arguments
        if flags & (os.O_WRONLY | os.O_RDWR):
            return
    elif event in ("os.listdir", "os.scandir"):
        name = arguments[0]
    else:
        return
    if not isinstance(name, (str, bytes, os.PathLike)):
        return
    path = os.path.abspath(os.fsdecode(name))
    # What digest() opens is noted already.
    if path in seen or path.startswith(KNOWN):
        return
    seen.add(path)
    if f"{os.path.realpath(path)}/".startswith(KNOWN):
        return
    try:
        found = digest(path)
    except OSError:
        # Ansible cannot read it either, and may write it first.
        seen.discard(path)
        return
    if found:
        # A name that is not UTF-8 is written as one that does not exist, so that the step is not reused.
        known = os.fsencode(os.path.relpath(path, PLAYBOOK)).decode("utf-8", "replace")
        with open(f"{RUN}/reads", "a", encoding="utf-8") as record:
            record.write(json.dumps([known, found]) + "\n")


sys.addaudithook(note)
# Without this line, dss does not know that everything that is read is noted.
sys.stderr.write("\x1e" + json.dumps({"event": "plugin-loaded", "name": InventoryModule.NAME}) + "\n")
sys.stderr.flush()
