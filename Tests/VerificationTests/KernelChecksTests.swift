import FoundationEssentials
import Sandbox
import Testing
import Workbench

@testable import Verification

/// The program that runs inside a sandbox, as far as the Python of this machine goes, which has no Jupyter.
@Suite(
    .timeLimit(.minutes(1)),
    .enabled(if: fileExists("/usr/bin/python3"), "needs /usr/bin/python3"))
struct KernelChecksTests {
    /// The directories of a sandbox with one Python environment.
    private struct Sandbox {
        var directory: String
        var environment: String { "\(directory)/environment" }

        /// Adds a distribution with one module, as an installer does.
        func install(_ name: String, _ module: String) throws {
            let packages = "\(environment)/lib/site-packages"
            let file = name.replacing("-", with: "_")
            try makeDirectory("\(packages)/\(file)-1.dist-info")
            try writeAtomically(module, to: "\(packages)/\(file).py")
            try writeAtomically("Name: \(name)\n", to: "\(packages)/\(file)-1.dist-info/METADATA")
            try writeAtomically("\(file).py,,\n", to: "\(packages)/\(file)-1.dist-info/RECORD")
        }

        func record(_ group: String, _ distributions: [String], excluded: [String: String] = [:]) throws {
            let record = Record(path: environment, distributions: distributions, excluded: excluded)
            try makeDirectory("\(directory)/records")
            let text = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
            try writeAtomically(text, to: "\(directory)/records/\(group).json")
        }

        func addNotebook(_ path: String, _ cells: [String]) throws {
            let notebook = ["cells": cells.map { ["cell_type": "code", "source": $0] }]
            let text = String(decoding: try JSONEncoder().encode(notebook), as: UTF8.self)
            try makeDirectory(parentDirectory("\(directory)/notebooks/\(path)"))
            try writeAtomically(text, to: "\(directory)/notebooks/\(path)")
        }

        /// Runs the program as Verification does, without a token.
        func facts(step: Int = 20, path: String = "/usr/bin:/bin") async throws -> Facts {
            let expectations = Expectations(
                password: Secret("a"),
                paths: .init(
                    scriptLanguages: "\(directory)/clone", jupyter: "\(directory)/jupyter",
                    notebooks: "\(directory)/notebooks", pythonRecords: "\(directory)/records"),
                limits: .init(kernels: .seconds(40), step: .seconds(step)))
            let checks = KernelChecks(expectations, secret: nil)
            let output = try await SystemCommandRunner().run(
                Command("sh", ["-c", checks.command], environment: ["PATH": path], input: .text(try checks.program)))
            return Facts(output)
        }

        private struct Record: Encodable {
            var path: String
            var distributions: [String]
            var excluded: [String: String]
        }
    }

    private func withSandbox(_ body: @Sendable (Sandbox) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let sandbox = Sandbox(directory: directory)
            for bin in ["\(directory)/jupyter/bin", "\(sandbox.environment)/bin"] { try makeDirectory(bin) }
            try writeAtomically(
                "#!/bin/sh\nexec /usr/bin/python3 \"$@\"\n", to: "\(directory)/jupyter/bin/python", mode: 0o755)
            // Like a virtual environment, which has its packages in a directory named after Python's version.
            try writeAtomically(
                """
                #!/bin/sh
                exec /usr/bin/python3 -S -I -c '
                import sys
                sys.path.append("\(sandbox.environment)/lib/site-packages")
                exec(sys.argv.pop(1))
                ' "$3"
                """, to: "\(sandbox.environment)/bin/python", mode: 0o755)
            try await body(sandbox)
        }
    }

    @Test func anImageWithoutRecordsHasNothingToCheck() async throws {
        try await withSandbox { sandbox in
            let facts = try await sandbox.facts()
            #expect(try facts.value("kernel_skip") == "neither token nor password is known")
            for (part, role) in [("notebooks", "datascience"), ("connector", "exasol"), ("flavors", "exaslct")] {
                #expect(try facts.value("\(part)_skip") == "the image was built without the role \(role)")
            }
            #expect(try facts.value("distributions_skip") == "the image has no records of its Python environments")
        }
    }

    @Test func aDistributionThatCannotBeImportedIsNamed() async throws {
        try await withSandbox { sandbox in
            try sandbox.install("good", "print('distributions=lie')")
            try sandbox.install("too-new", "import absent_module")
            try sandbox.install("crashing", "import os; os.abort()")
            try sandbox.install("hanging", "import time; time.sleep(60)")
            try sandbox.install("last", "")
            try sandbox.record("exasol", ["good", "too-new", "crashing", "hanging", "missing", "last"])
            try writeAtomically("{", to: "\(sandbox.directory)/records/broken.json")
            let facts = try await sandbox.facts(step: 3)
            #expect(
                try facts.list("distributions_fault").dropFirst() == [
                    "exasol: too-new: ModuleNotFoundError: No module named 'absent_module'",
                    "exasol: crashing: Python ended with signal SIGABRT", "exasol: hanging: did not end within 3 s",
                    "exasol: missing: PackageNotFoundError: No package metadata was found for missing",
                ])
            #expect(try facts.list("distributions_fault").first?.contains("/records/broken.json: ") == true)
            #expect(try facts.list("distributions") == ["6 distributions of exasol"])
        }
    }

    @Test func importsOfNotebooksAreTried() async throws {
        try await withSandbox { sandbox in
            try sandbox.install("wrapper", "import torch.nn")
            try sandbox.record("exasol", [], excluded: ["torch": "too large", "text-ai": "has some.ai; needs torch"])
            let folder = "exasol-ai-lab/data"
            try makeDirectory("\(sandbox.directory)/notebooks/\(folder)")
            try writeAtomically("answer = 42\n", to: "\(sandbox.directory)/notebooks/\(folder)/local.py")
            try sandbox.addNotebook(
                "\(folder)/a.ipynb",
                [
                    "%pip install x\nimport json, wrapper\nfrom local import answer",
                    "files = !ls \\\n  -l\n!ls\nfiles?",
                    "%%sql\nSELECT x FROM y", "%%time\nfrom json import nothing", "import some.ai.text",
                ])
            try makeDirectory("\(sandbox.environment)/lib/site-packages/some")
            try sandbox.addNotebook("exasol-ai-lab/b.ipynb", ["pip install y", "# function\ndef f(:"])
            let facts = try await sandbox.facts()
            let faults = try facts.list("connector_fault")
            #expect(faults.count == 2, "\(faults)")
            #expect(faults.contains("b.ipynb, cell 2 (def f(:): invalid syntax"))
            #expect(faults.contains { $0.hasPrefix("data/a.ipynb, cell 4 (from json import nothing): ImportError: ") })
            #expect(try facts.value("connector") == "4 imports of 2 notebooks, apart from text-ai and torch")
        }
    }

    @Test func flavorsAreReadFromTheClone() async throws {
        try await withSandbox { sandbox in
            try sandbox.record("exaslct", [])
            #expect(try await sandbox.facts().value("flavors_skip") == "no clone to read flavors from")
            for flavor in ["good", "broken"] {
                try makeDirectory("\(sandbox.directory)/clone/flavors/\(flavor)/flavor_base")
            }
            try makeDirectory("\(sandbox.directory)/bin")
            try writeAtomically(
                "import sys\nif 'broken' in sys.argv[-1]: print('no definition', file=sys.stderr); sys.exit(2)\n",
                to: "\(sandbox.directory)/bin/exaslct", mode: 0o755)
            let facts = try await sandbox.facts(path: "\(sandbox.directory)/bin:/usr/bin:/bin")
            #expect(try facts.list("flavors_fault") == ["broken: RuntimeError: exit status 2: no definition"])
            #expect(try facts.value("flavors") == "broken, good")
        }
    }

    @Test func theSecretIsOnlyInTheProgram() throws {
        let checks = KernelChecks(testExpectations, secret: Secret("se\"sa\\me"))
        #expect(!checks.command.contains("sesame"))
        #expect(try checks.program.contains(#""secret":"se\"sa\\me""#))
        #expect(KernelChecks.activity(in: "progress=running notebook 3 of 8") == "running notebook 3 of 8")
        #expect(KernelChecks.activity(in: "kernel=progress=x") == nil)
    }
}
