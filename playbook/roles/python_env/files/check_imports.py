"""Imports the modules of the distributions that are named on the command line.

That a distribution is installed does not show that it works: its version may be too new for another one, or a library
may be missing. The modules are imported by a child process, because native code may end the process.
"""

import importlib
import os
import re
import sys
import tempfile
import traceback
from importlib.machinery import all_suffixes
from importlib.metadata import PackageNotFoundError, distribution

# Private modules, and what some distributions install by accident beside their own.
IGNORED = re.compile(r"_|(tests?|docs?|examples?|benchmarks?|conftest|setup)$")


def modules_of(name):
    """Returns the outermost modules of a distribution, such as `exasol.nb_connector`, and that of its command."""
    found = set()
    for file in distribution(name).files or []:
        suffix = next((suffix for suffix in all_suffixes() if file.name.endswith(suffix)), None)
        parts = (*file.parts[:-1], file.name.removesuffix(suffix or ""))
        if suffix and all(part.isidentifier() for part in parts) and not IGNORED.match(parts[0]):
            found.add(parts)
    packages = {parts[:-1] for parts in found if parts[-1] == "__init__"}
    candidates = packages | {parts for parts in found if len(parts) == 1} or found
    nested = {parts for parts in candidates if any(parts[:depth] in candidates for depth in range(1, len(parts)))}
    modules = sorted(".".join(parts) for parts in candidates - nested)
    # A module of another name beside it may need what is optional, as duckdb's driver for ADBC does.
    modules = [module for module in modules if module.lower() == name.replace("-", "_")] or modules
    # A command reaches further than the outermost module, which can be all but empty. One of several may need what is
    # optional, as JupyterLab's command for JupyterHub does.
    commands = {script.module for script in distribution(name).entry_points.select(group="console_scripts")}
    return modules + (sorted(commands) if len(commands) == 1 else [])


def import_modules(modules, report):
    """Imports each module and returns what failed; writes each name to `report` before."""
    failures = []
    for name, module in modules:
        os.write(report, f"{name} {module}\n".encode())
        try:
            importlib.import_module(module)
        except BaseException as error:
            reason = traceback.format_exception_only(error)[-1].strip()
            failures.append(f"{name} {distribution(name).version} is installed, but import {module} fails: {reason}")
    return failures


def main(names):
    modules, failures = [], []
    for name in names:
        try:
            modules += [(name, module) for module in modules_of(name)]
        except PackageNotFoundError:
            failures.append(f"{name} is not installed")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        # Some modules write settings and caches when they are imported.
        with tempfile.TemporaryDirectory() as home:
            os.environ |= {"HOME": home, "MPLCONFIGDIR": home}
            failures += import_modules(modules, writer)
        sys.stderr.writelines(failure + "\n" for failure in failures)
        sys.stderr.flush()
        os._exit(1 if failures else 0)
    os.close(writer)
    with os.fdopen(reader) as file:
        last = file.read().splitlines()[-1:]
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status < 0 and last:
        name, module = last[0].split()
        print(
            f"{name} {distribution(name).version} is installed, but import {module} ends Python by signal {-status}",
            file=sys.stderr,
        )
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
