import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite("Added pins")
struct PinsAddTests {
    private let pins = Pins(
        distribution: "debian", suite: "bookworm", apt: ["git": "1"],
        pip: ["lab": ["server": "1"], "other": ["tool": "1"]], pipLocked: ["lab": ["idna": "1"]],
        pipSHA256: ["lab": ["server": "old", "idna": "old"]], git: [:])

    private let index = LayeredIndex(packages: [
        "server": ["2": ["idna"], "1": ["idna"]], "idna": ["2": [], "1": []], "tool": ["2": [], "1": []],
        "plot": ["3": ["idna>=2"], "2": ["idna", "font"]], "font": ["2": []],
    ])

    @Test("a package comes with what it needs and its hashes, and nothing else moves")
    func python() async throws {
        let updated = try await add("plot==2", to: "lab")
        #expect(updated.pip == ["lab": ["server": "1", "plot": "2"], "other": ["tool": "1"]])
        #expect(updated.pipLocked == ["lab": ["idna": "1", "font": "2"]])
        #expect(
            updated.pipSHA256
                == ["lab": ["server": "old", "idna": "old", "plot": "hash-plot-2", "font": "hash-font-2"]])
    }

    @Test("without a version, it is the newest that fits the other pins")
    func newest() async throws {
        #expect(try await add("plot", to: "lab").pip["lab"]?["plot"] == "2")
        #expect(try await add("plot", to: "new").pip["new"] == ["plot": "3"])
    }

    @Test("a requirement that other pins speak against is refused; those that may move are named")
    func conflict() async throws {
        let failure = await #expect(throws: Failure.self) { try await add("plot==3", to: "lab") }
        #expect(failure?.code == .badData)
        #expect(failure?.message == "plot==3 does not fit the other pins of lab; nothing was changed")
        #expect(failure?.details == ["idna 1 would move to 2", "No solution found"])
        #expect(failure?.advice == "to let them move, add: --move idna")
        let updated = try await add("plot==3", to: "lab", moving: ["idna"])
        #expect(updated.pipLocked["lab"] == ["idna": "2"])
        #expect(updated.pip["lab"] == ["server": "1", "plot": "3"])
        #expect(updated.pipSHA256["lab"] == ["server": "old", "idna": "hash-idna-2", "plot": "hash-plot-3"])
    }

    @Test("a requirement that nothing meets is refused")
    func impossible() async throws {
        let failure = await #expect(throws: Failure.self) { try await add("plot==9", to: "lab") }
        #expect(failure?.code == .badData)
        #expect(failure?.message == "plot==9 does not fit lab, whatever the other versions are")
    }

    @Test("a name that the index does not have is no conflict")
    func unlisted() async throws {
        let python = await #expect(throws: UnlistedPackage.self) { try await add("plto", to: "lab") }
        #expect(python?.name == "plto" && python?.similar == ["git", "idna", "server", "tool"])
        let debian = await #expect(throws: UnlistedPackage.self) { try await addDebian("htpo") }
        #expect(debian?.source == .apt && debian?.similar == ["htop"])
    }

    @Test("what was locked is required directly; what was required stays so, with its key")
    func promoted() async throws {
        let updated = try await add("idna", "server", to: "lab")
        #expect(updated.pip["lab"] == ["server": "2", "idna": "2"])
        #expect(updated.pipLocked["lab"] == [:])
    }

    @Test(
        "a Debian package is added at the newest version, or the one that is asked for",
        arguments: [("htop", "3.2"), ("htop=3.1", "3.1"), ("htop==3.1", "3.1")])
    func debian(text: String, version: String) async throws {
        let updated = try await addDebian(text)
        #expect(updated.apt == ["git": "1", "htop": version])
    }

    @Test("a Debian version that is not there names those that are")
    func noSuchVersion() async throws {
        let failure = await #expect(throws: Failure.self) { try await addDebian("htop=9") }
        #expect(failure?.code == .badData && failure?.details == ["available: 3.2, 3.1"])
        let usage = await #expect(throws: Failure.self) { try await addDebian("htop>=3") }
        #expect(usage?.code == .usage)
    }

    @Test("an update by name moves what is named and nothing else")
    func updateOne() async throws {
        let updated = try await with { try await $0.update(pins, only: ["Server"]) }
        #expect(updated.pip == ["lab": ["server": "2"], "other": ["tool": "1"]])
        #expect(updated.pipLocked == pins.pipLocked && updated.apt == pins.apt)
        #expect(updated.pipSHA256["lab"] == ["server": "hash-server-2", "idna": "old"])
        let unknown = await #expect(throws: UnpinnedNames.self) {
            try await with { try await $0.update(pins, only: ["idna", "nothing"]) }
        }
        #expect(unknown?.names == ["nothing"])
    }

    @Test("a check names the package whose requirement is not pinned, with the command that adds it")
    func incomplete() async throws {
        var pins = pins
        pins.apt = [:]
        pins.pip["lab"] = ["server": "2", "plot": "2"]
        pins.pipLocked["lab"] = ["idna": "2"]
        let statuses = try await with { [pins] in try await $0.check(pins) }.filter { $0.state == .incomplete }
        #expect(
            statuses.map(\.sentence) == [
                "pip lab plot 2 needs font, which is not pinned; to add it: dss pins add lab plot==2"
            ])
        pins.pipLocked["lab"] = ["idna": "1", "font": "2"]
        pins.pip["lab"] = ["server": "2", "plot": "3"]
        let conflicts = try await with { [pins] in try await $0.check(pins) }.filter { $0.state == .conflict }
        #expect(conflicts.map(\.sentence) == ["the pins of lab exclude each other:\nNo solution found"])
    }

    @Test("a name that never existed is not gone")
    func mistyped() async throws {
        var pins = pins
        pins.apt = ["docker-ce-cli": "5"]
        pins.pip["other"] = ["tolo": "1"]
        let statuses = try await with { [pins] in try await $0.check(pins) }.filter { $0.state == .unlisted }
        #expect(statuses.map(\.name) == ["docker-ce-cli", "tolo"])
        #expect(
            statuses.first?.sentence == "apt docker-ce-cli 5: the package index of the base system has no package of "
                + "that name, so its version was not checked; a role may add the repository that has it")
        #expect(statuses.last?.similar.contains("server") == true)
    }

    @Test(
        "a requirement is a name with an optional version",
        arguments: [
            ("pandas", "pandas", ""), ("pandas==2.3.3", "pandas", "==2.3.3"), ("a[b,c]>=1,<2", "a[b,c]", ">=1,<2"),
            ("libstdc++6", "libstdc++6", ""), ("htop=3.2.2-2", "htop", "=3.2.2-2"),
        ])
    func requirement(text: String, name: String, specifier: String) throws {
        let requirement = try PinRequirement(text)
        #expect(requirement.name == name && requirement.specifier == specifier)
    }

    @Test("anything else is refused", arguments: ["", "-r", "x @ https://y", "x; python_version>'3'", "x==", "a b"])
    func noRequirement(text: String) {
        #expect(throws: Failure.self) { try PinRequirement(text) }
    }

    private func add(_ requirements: String..., to environment: String, moving: [String] = []) async throws -> Pins {
        let requirements = try requirements.map { try PinRequirement($0) }
        return try await with { [pins] in try await $0.add(requirements, to: environment, moving: moving, pins) }
    }

    private func addDebian(_ text: String) async throws -> Pins {
        try await with { [pins] in try await $0.add(debian: [PinRequirement(text)], to: pins) }
    }

    private func with<Result>(_ body: (PinsCheck) async throws -> Result) async throws -> Result {
        try await PackageIndex.with(sources: "", architecture: .amd64, python: "python3", runner: index) {
            try await body(PinsCheck(index: $0, repositories: [:]))
        }
    }
}

/// apt with `git` and `htop`, and pip and uv with an index of several versions.
private struct LayeredIndex: ExecutingRunner {
    /// Package → version → what it needs: `idna` or `idna>=2`.
    var packages: [String: [String: [String]]]

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        let words = command.arguments
        func value(of option: String) -> String? { words.firstIndex(of: option).map { words[$0 + 1] } }
        if command.executable == "apt-cache" {
            if words.contains("pkgnames") { return CommandOutput(standardOutput: "htop\n") }
            let table = "python3 | 3.11.2-1 | mirror\ngit | 1 | mirror\nhtop | 3.2 | mirror\nhtop | 3.1 | mirror\n"
            return CommandOutput(
                standardOutput: table.split(separator: "\n").filter { line in
                    words.contains(String(line.prefix { $0 != " " }))
                }.joined(separator: "\n"))
        }
        if command.executable.hasSuffix("/uv") {
            guard case .text(let input) = command.input, let result = value(of: "--output-file"),
                let constraints = value(of: "--constraints")
            else { return CommandOutput(status: .exited(2)) }
            return try resolve(lines(input), lines(readText(constraints)), lines(readText(result)), into: result)
        }
        if words.last == "uv", let target = value(of: "--target") {
            try makeDirectory("\(target)/bin")
            try writeAtomically("", to: "\(target)/bin/uv")
        }
        if let report = value(of: "--report") {
            let pins = words.filter { $0.contains("==") }.map { $0.split(separator: "=") }
            guard pins.allSatisfy({ packages[String($0[0])]?[String($0[1])] != nil }) else {
                return CommandOutput(status: .exited(1))
            }
            let wheels = pins.map {
                #"{"metadata": {"name": "\#($0[0])", "version": "\#($0[1])"}, "download_info": "#
                    + #"{"archive_info": {"hashes": {"sha256": "hash-\#($0[0])-\#($0[1])"}}}}"#
            }
            try writeAtomically(#"{"install": [\#(wheels.joined(separator: ","))]}"#, to: report)
        }
        if words.contains("versions"), let name = words.last {
            guard let versions = packages[name] else {
                return CommandOutput(status: .exited(1), standardError: "ERROR: No matching distribution found")
            }
            let list = versions.keys.sorted(by: >).joined(separator: ", ")
            return CommandOutput(standardOutput: "Available versions: \(list)\n")
        }
        return CommandOutput()
    }

    private func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

    /// Tries the combinations of versions, the newest first, as long as there are few packages.
    private func resolve(
        _ requirements: [String], _ constraints: [String], _ preferred: [String], into file: String
    ) throws -> CommandOutput {
        if let unknown = requirements.first(where: { packages[name(of: $0)] == nil }) {
            return noSolution("Because \(unknown) was not found in the package registry and you require it")
        }
        guard let found = solution(requirements.map { ($0, "") }, constraints, preferred, [:]) else {
            return noSolution("No solution found")
        }
        let text = found.map { name, chosen in
            "\(name)==\(chosen.version)" + (chosen.by.isEmpty ? "\n" : "  # via \(chosen.by), -c constraints.txt\n")
        }
        try writeAtomically(text.sorted().joined(), to: file)
        return CommandOutput()
    }

    private func noSolution(_ reason: String) -> CommandOutput {
        let head = reason == "No solution found" ? "" : "No solution found\n"
        return CommandOutput(status: .exited(1), standardError: head + reason)
    }

    private typealias Chosen = [String: (version: String, by: String)]

    private func solution(
        _ open: [(text: String, by: String)], _ constraints: [String], _ preferred: [String], _ chosen: Chosen
    ) -> Chosen? {
        guard let next = open.first else { return chosen }
        let name = name(of: next.text)
        let all = (constraints + [next.text]).filter { self.name(of: $0) == name }
        let versions = (packages[name] ?? [:]).keys.sorted {
            let (left, right) = (preferred.contains("\(name)==\($0)"), preferred.contains("\(name)==\($1)"))
            return left == right ? $0 > $1 : left
        }
        for version in versions where (chosen[name]?.version ?? version) == version {
            guard all.allSatisfy({ meets(version, $0) }) else { continue }
            let needs = (packages[name]?[version] ?? []).map { (text: $0, by: name) }
            let new: Chosen = [name: (version, next.by)]
            let more = chosen[name] == nil ? needs : []
            if let found = solution(
                open.dropFirst() + more, constraints, preferred, chosen.merging(new) { old, _ in old })
            {
                return found
            }
        }
        return nil
    }

    private func name(of requirement: String) -> String { String(requirement.prefix { $0.isLetter }) }

    private func meets(_ version: String, _ requirement: String) -> Bool {
        let wanted = requirement.drop { $0.isLetter }
        if wanted.hasPrefix("==") { return version == wanted.dropFirst(2) }
        return wanted.isEmpty || version >= String(wanted.dropFirst(2))
    }
}
