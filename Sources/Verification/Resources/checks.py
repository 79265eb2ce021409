"""Uses a sandbox from the inside: runs kernels and notebooks, and imports what is installed.

Runs with the Python of JupyterLab, after kernel.py; the last line of the program calls `main` with the settings.
Each part prints `PART=SUMMARY` at its end, `PART_fault=REASON` for each fault as it is found, or `PART_skip=REASON`.
"""

import ast
import os
import re
import shutil
import signal
from pathlib import Path

PLOT = """
%matplotlib inline
import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(3, 2), dpi=72)
axes.bar([1, 2, 3], [3, 1, 2], color=["tab:red", "tab:green", "tab:blue"])
plt.show()
"""

QUERY = """
import duckdb
print(duckdb.sql("SELECT sum(i) FROM range(1001) t(i)").fetchall()[0][0])
"""


def main(settings):
    """Runs all parts and ends this process, even if a part hangs."""
    # What kernels print must not get between the facts, and what remains of them must not hold the connection.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    asyncio.run(Checks(settings, out).run())
    os._exit(0)


class Skipped(Exception):
    """Why a part has nothing to do."""


class Checks:
    def __init__(self, settings, out):
        self.settings = settings
        self.step, self.limit = settings["step"], settings["limit"]
        self.out = out
        self.home = Path.home()
        self.notebooks = self.home / settings["notebooks"]
        self.records = {}
        # The current activities of each part, which are named if it does not end.
        self.doing = {}

    def tell(self, key, value):
        print(f"{key}={' '.join(str(value).split())}", file=self.out, flush=True)

    async def run(self):
        # As many activities at once as there are processors, because more would only slow each other down. No more than
        # four, because each needs memory.
        self.slots = asyncio.Semaphore(min(os.cpu_count() or 1, 4))
        self.read_records()
        parts = {
            "kernel": self.use_kernel, "notebooks": self.run_notebooks, "distributions": self.import_distributions,
            "connector": self.import_like_connector, "flavors": self.list_flavors,
        }
        tasks = {part: asyncio.create_task(self.run_part(part, work)) for part, work in parts.items()}
        _, late = await asyncio.wait(tasks.values(), timeout=self.limit)
        for part, task in tasks.items():
            if task in late:
                doing = "; ".join(self.doing.get(part, ())) or "waiting for the other checks"
                self.tell(f"{part}_fault", f"did not end within {self.limit} s: {doing}")
                task.cancel()
        if late:
            await asyncio.wait(late, timeout=10)

    def read_records(self):
        for file in sorted(Path(self.settings["records"]).glob("*.json")):
            try:
                self.records[file.stem] = json.loads(file.read_text())
            except ValueError as error:
                self.tell("distributions_fault", f"{file}: {error}")

    async def run_part(self, part, work):
        try:
            summary = await work(part)
            if summary is not None:
                self.tell(part, summary)
        except Skipped as reason:
            self.tell(f"{part}_skip", reason)
        except Exception as error:
            self.tell(f"{part}_fault", describe(error))

    @contextlib.asynccontextmanager
    async def activity(self, part, text):
        """Waits for a processor, then shows what is going on."""
        async with self.slots:
            self.tell("progress", text)
            doing = self.doing.setdefault(part, [])
            doing.append(text)
            try:
                yield
            finally:
                doing.remove(text)

    def require(self, role, distribution=None):
        if role not in self.records:
            raise Skipped(f"the image was built without the role {role}")
        if distribution and distribution not in self.records[role]["distributions"]:
            raise Skipped(f"the role {role} was built without {distribution}")

    # Kernel

    async def use_kernel(self, part):
        secret = self.settings.get("secret")
        if secret is None:
            raise Skipped("neither token nor password is known")
        async with self.activity(part, "running code in a kernel"):
            async with Kernel(self.settings["port"], secret, self.step) as kernel:
                output = await kernel.run("import sys\nprint(sys.prefix)\nprint(sys.version.split()[0])")
                prefix, version = output.text.splitlines()
                expected = self.records.get("datascience", {}).get("path")
                if expected and os.path.realpath(expected) != os.path.realpath(prefix):
                    raise Fault(f"the kernel runs in {prefix} instead of {expected}")
                self.tell(part, f"'{kernel.display_name}', Python {version} in {prefix}")
                await self.run_part("plot", lambda _: self.draw(kernel))
                await self.run_part("query", lambda _: self.query(kernel))

    async def draw(self, kernel):
        self.require("datascience", "matplotlib")
        pictures = (await kernel.run(PLOT)).pictures
        if not pictures:
            raise Fault("the plot has no picture")
        width, height, colors = measure(pictures[-1])
        if len(colors) < 4:
            raise Fault(f"the picture is empty: it has {len(colors)} colors")
        return f"{width}x{height} pixels, {len(colors)} colors"

    async def query(self, kernel):
        self.require("datascience", "duckdb")
        answer = (await kernel.run(QUERY)).text.strip()
        if answer != "500500":
            raise Fault(f"DuckDB returned '{answer}' instead of 500500")
        return answer

    # Notebooks

    async def run_notebooks(self, part):
        self.require("datascience")
        files = sorted(self.notebooks.glob("[0-9][0-9]-*.ipynb"))
        if not files:
            raise Skipped(f"{self.notebooks} has no numbered notebooks")

        async def run(number, file):
            async with self.activity(part, f"running notebook {number} of {len(files)}, {file.name}"):
                fault = await self.fault_of_notebook(file)
            if fault:
                self.tell(f"{part}_fault", f"{file.name}{fault}")

        await asyncio.gather(*(run(number, file) for number, file in enumerate(files, 1)))
        return f"{len(files)} notebooks"

    async def fault_of_notebook(self, file):
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError

        try:
            notebook = nbformat.read(file, as_version=4)
        except Exception as error:
            return f" is not a notebook: {describe(error)}"
        place = " does not start"

        def begin(cell, cell_index):
            nonlocal place
            place = f", cell {cell_index + 1} ({excerpt(cell.source)})"

        client = NotebookClient(
            notebook, timeout=self.step, startup_timeout=self.step, on_cell_start=begin,
            resources={"metadata": {"path": str(file.parent)}})
        try:
            await client.async_execute()
        except CellExecutionError as error:
            return f"{place}: {error.ename}: {error.evalue}"
        except CellTimeoutError:
            return f"{place}: did not end within {self.step} s"
        except Exception as error:
            return f"{place}: {describe(error)}"
        return None

    # Imports

    async def import_distributions(self, part):
        if not self.records:
            raise Skipped("the image has no records of its Python environments")

        async def load(group, record):
            snippets = [(name, "/", f"load({name!r})") for name in record["distributions"]]
            async with self.activity(part, f"importing the distributions of {group}"):
                try:
                    async for name, fault, _ in self.run_snippets(record["path"], snippets):
                        self.tell(f"{part}_fault", f"{group}: {name}: {fault}")
                except OSError as error:
                    self.tell(f"{part}_fault", f"{group}: {describe(error)}")
            return len(snippets)

        counts = await asyncio.gather(*(load(*item) for item in self.records.items()))
        return f"{sum(counts)} distributions of {', '.join(self.records)}"

    async def import_like_connector(self, part):
        self.require("exasol")
        folder = self.notebooks / "exasol-ai-lab"
        files = sorted(folder.rglob("*.ipynb"))
        if not files:
            raise Fault(f"{folder} has no notebooks")
        statements = {}
        for file in files:
            name = file.relative_to(folder)
            try:
                for cell, statement in imports(json.loads(file.read_text())):
                    label = f"{name}, cell {cell} ({statement})"
                    statements.setdefault(statement, (label, str(file.parent), statement))
            except Fault as fault:
                self.tell(f"{part}_fault", f"{name}, {fault}")
            except (KeyError, TypeError, ValueError) as error:
                self.tell(f"{part}_fault", f"{name} is not a notebook: {describe(error)}")
        excluded = self.excluded_modules()
        lacking = set()
        async with self.activity(part, "importing what the connector's notebooks import"):
            snippets = list(statements.values())
            async for label, fault, missing in self.run_snippets(self.records["exasol"]["path"], snippets):
                known = {name for module in missing for name in outer_names(module)} & excluded.keys()
                lacking |= {excluded[name] for name in known}
                if not known:
                    self.tell(f"{part}_fault", f"{label}: {fault}")
        without = f", apart from {' and '.join(sorted(lacking))}" if lacking else ""
        return f"{len(statements)} imports of {len(files)} notebooks{without}"

    def excluded_modules(self):
        """The distributions that the image goes without, by the normalized names of their modules."""
        found = {}
        for record in self.records.values():
            for name, reason in record.get("excluded", {}).items():
                # A module of another name is named in the reason: "has exasol.ai; needs torch".
                for module in (name, *re.findall(r"\bhas ([\w.]*\w)", reason)):
                    found[normalized(module)] = name
        return found

    async def run_snippets(self, environment, snippets):
        """Runs snippets of a label, a folder to import from, and code. Yields label, fault and missing modules.

        A snippet that crashes or hangs ends its process; the others run in a new one.
        """
        while snippets:
            process = await asyncio.create_subprocess_exec(
                f"{environment}/bin/python", "-I", "-c", self.settings["snippets"], cwd="/", limit=1 << 20,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
            try:
                process.stdin.write(json.dumps([snippet[1:] for snippet in snippets]).encode())
                process.stdin.write_eof()
                line = b"first"
                while snippets and line:
                    label, snippets = snippets[0][0], snippets[1:]
                    line, answer = await self.answer_of(process)
                    if "error" in answer:
                        yield label, answer["error"], answer.get("missing", ())
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def answer_of(self, process):
        try:
            line = await asyncio.wait_for(process.stdout.readline(), self.step)
        except asyncio.TimeoutError:
            return b"", {"error": f"did not end within {self.step} s"}
        if line:
            return line, json.loads(line)
        return b"", {"error": f"Python ended with {ending(await process.wait())}"}

    # exaslct

    async def list_flavors(self, part):
        self.require("exaslct")
        clone = self.home / self.settings["clone"]
        if not clone.exists():
            raise Skipped("no clone to read flavors from")
        exaslct = shutil.which("exaslct")
        if not exaslct:
            raise Fault("exaslct is not on the PATH")
        flavors = [flavor for flavor in sorted((clone / "flavors").glob("*")) if (flavor / "flavor_base").is_dir()]
        if not flavors:
            raise Fault(f"{clone}/flavors has no flavors")
        # exaslct has no command that lists flavors. This one reads a flavor's definition and needs no network.
        words = [exaslct, "generate-language-activation", "--bucketfs-name", "bfs", "--bucket-name", "bucket"]
        words += ["--container-name", "container", "--flavor-path"]
        snippets = [(flavor.name, "/", f"run(*{[*words, str(flavor)]!r})") for flavor in flavors]
        async with self.activity(part, "reading the flavors with exaslct"):
            async for flavor, fault, _ in self.run_snippets(self.records["exaslct"]["path"], snippets):
                self.tell(f"{part}_fault", f"{flavor}: {fault}")
        return ", ".join(flavor.name for flavor in flavors)


def imports(notebook):
    """Yields the number of a cell and an import statement in it."""
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        try:
            tree = ast.parse(without_magics(source))
        except SyntaxError as error:
            raise Fault(f"cell {number} ({excerpt(source)}): {error.msg}") from None
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                yield number, ast.unparse(node)


def without_magics(source):
    """Replaces what is IPython and not Python: magics, shell commands and requests for help."""
    source = source.lstrip()
    if source.startswith("%%"):
        magic, _, rest = source.partition("\n")
        source = rest if re.match(r"%%(capture|prun|time|timeit)\b", magic) else ""
    source = re.sub(r"(?m)^([ \t]*)(?:[%!?]|pip )(?:.*\\\n)*.*$", r"\1pass", source)
    source = re.sub(r"(?m)^([ \t]*[\w., ]+=[ \t]*)[%!](?:.*\\\n)*.*$", r"\1None", source)
    return re.sub(r"(?m)^([ \t]*)[\w.]+\?{1,2}[ \t]*$", r"\1pass", source)


def normalized(name):
    return re.sub("[-_.]+", "-", name).lower()


def outer_names(module):
    """The normalized names of a module and of the packages around it: `a-b` and `a` for `a.b`."""
    parts = module.split(".")
    return {normalized(".".join(parts[:count])) for count in range(1, len(parts) + 1)}


def describe(error):
    return str(error) if isinstance(error, Fault) else f"{type(error).__name__}: {error}"


def ending(status):
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
