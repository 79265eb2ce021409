"""Checks that the pinned distributions of a Python environment have what they need.

Pins are installed without looking at dependencies, so one that is not pinned would be noticed by whoever imports it.
What is left out on purpose, and what the user has added, is not reported.

Usage: check_requirements.py UV PYTHON ENVIRONMENT, with `{"pinned": {name: version}, "excluded": [name]}` as input.
"""

import json
import re
import subprocess
import sys

PROBLEM = re.compile(r"The package `([^`]+)` requires `([^`]+)`, but (?:it's not installed|`([^`]+)` is installed)")


def normalized(requirement):
    """Returns the name in a requirement as the package index compares it: `Foo_Bar[x]>=2` → `foo-bar`."""
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", requirement)[0]).lower()


def problems(output, environment, pinned, excluded):
    """Returns a line for each problem in the output of `uv pip check`."""
    pinned = {normalized(name): version for name, version in pinned.items()}
    excluded = {normalized(name) for name in excluded}
    lines = []
    for name, requirement, installed in PROBLEM.findall(output):
        name = normalized(name)
        if name not in pinned or (not installed and normalized(requirement) in excluded):
            continue
        found = f"but {installed} is pinned" if installed else "which is not pinned"
        mended = f"dss pins add {environment} {name}=={pinned[name]}"
        if installed:
            mended += f" --move {normalized(requirement)}"
        lines.append(f"{name} {pinned[name]} needs {requirement}, {found}; to mend it: {mended}")
    return lines


def main(uv, python, environment):
    # First, because a program that ends before Ansible has written its input counts as failed.
    wanted = json.load(sys.stdin)
    said = subprocess.run([uv, "pip", "check", "--python", python], capture_output=True, text=True)
    if said.returncode == 0:
        return 0
    output = said.stdout + said.stderr
    found = problems(output, environment, **wanted)
    # Anything but a report of problems is a failure of the program itself.
    if not found and not PROBLEM.search(output):
        found = [output.strip()]
    sys.stderr.writelines(line + "\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
