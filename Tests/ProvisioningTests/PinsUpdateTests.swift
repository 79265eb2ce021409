import Sandbox
import Synchronization
import Testing
import Workbench

@testable import Provisioning

@Suite("Updated pins")
struct PinsUpdateTests {
    /// A base with an extra, and an environment on top of it that shares a package with another extra.
    private let pins = Pins(
        distribution: "debian", suite: "bookworm", apt: [:],
        pip: ["base": ["Web[socks]": "1"], "top": ["web[detect]": "1", "plot": "1"]],
        pipLocked: ["base": ["old": "1"]], pipExtends: ["top": "base"], pipExcluded: ["top": ["huge": "2 GB"]], git: [:]
    )

    private let index = FakeIndex(needs: [
        "web": ["idna"], "web[socks]": ["socks"], "web[detect]": ["chars"], "plot": ["idna", "huge"], "huge": ["cuda"],
    ])

    @Test("what an environment requires stays its own; what the base needs is locked there; the excluded is nowhere")
    func environments() async throws {
        let updated = try await update(pins, index)
        #expect(updated.pip == ["base": ["Web[socks]": "2"], "top": ["web[detect]": "2", "plot": "2"]])
        #expect(updated.pipLocked == ["base": ["idna": "2", "socks": "2"], "top": ["chars": "2"]])
        #expect(updated.pipSHA256["base"]?.keys.sorted() == ["idna", "socks", "web"])
        #expect(updated.pipSHA256["top"] == ["chars": "hash-chars", "plot": "hash-plot", "web": "hash-web"])
        #expect(try await update(updated, index) == updated)
    }

    @Test("hashes that cannot be read fail the update")
    func hashes() async throws {
        var index = index
        index.hasWheels = false
        let failure = await #expect(throws: Failure.self) { try await update(pins, index) }
        #expect(failure?.code == .unavailable)
        #expect(failure?.message == "failed to read the hashes of idna==2, socks==2, web==2")
    }

    @Test("only what is named is built from source")
    func source() async throws {
        var (pins, index) = (pins, index)
        index.sourceOnly = ["plot"]
        await #expect(throws: Failure.self) { try await update(pins, index) }
        pins.pipSource = ["plot": "has no wheel"]
        let updated = try await update(pins, index)
        #expect(updated.pip["top"]?["plot"] == "2")
        #expect(updated.pipSHA256["top"]?["plot"] == "hash-plot")
        #expect(updated.pipSource == pins.pipSource)
    }

    @Test("a package that is required and excluded is refused")
    func excluded() async throws {
        var pins = pins
        pins.pip["top"]?["huge"] = "1"
        let failure = await #expect(throws: Failure.self) { try await update(pins, index) }
        #expect(failure?.message == "'huge' is in 'pip.top', but excluded")
    }

    @Test("a Git repository that does not answer keeps its pin; a check names it")
    func silentRepository() async throws {
        var pins = pins
        (pins.pip, pins.pipLocked, pins.pipExtends, pins.pipExcluded) = ([:], [:], [:], [:])
        pins.git = ["flavors": "1.0"]
        var index = index
        index.hasRepository = false
        let events = Mutex<[BuildEvent]>([])
        let (updated, statuses) = try await PackageIndex.with(
            sources: "", architecture: .amd64, python: "python3", runner: index
        ) { [pins] index in
            let check = PinsCheck(index: index, repositories: ["flavors": "https://git"]) { event in
                events.withLock { $0.append(event) }
            }
            return (try await check.update(pins), try await check.check(pins))
        }
        #expect(updated.git == pins.git)
        let warning = "the Git repository https://git does not answer; the pin of flavors is unchanged"
        #expect(events.withLock { $0.contains(.warning(warning)) })
        #expect(statuses.map(\.sentence) == ["git flavors 1.0 could not be checked: https://git does not answer"])
    }

    private func update(_ pins: Pins, _ index: FakeIndex) async throws -> Pins {
        try await PackageIndex.with(sources: "", architecture: .amd64, python: "python3", runner: index) {
            try await PinsCheck(index: $0, repositories: [:]).update(pins)
        }
    }
}

/// apt, pip and uv with an index in which every package has the version 2.
private struct FakeIndex: ExecutingRunner {
    /// Requirement → the packages that it needs.
    var needs: [String: [String]]
    var hasWheels = true
    /// Packages without a wheel.
    var sourceOnly: Set<String> = []
    var hasRepository = true

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        let words = command.arguments
        func value(of option: String) -> String? { words.firstIndex(of: option).map { words[$0 + 1] } }
        if command.executable.hasSuffix("/uv") {
            guard case .text(let input) = command.input, let excludes = value(of: "--excludes") else {
                return CommandOutput(status: .exited(2))
            }
            let excluded = try readText(excludes).split(separator: "\n").map(String.init)
            guard hasAll(words) else { return CommandOutput(status: .exited(1)) }
            let found = closure(of: input.split(separator: "\n").map { $0.lowercased() }, without: Set(excluded))
            if let file = value(of: "--output-file") {
                try writeAtomically(found.map { "\($0)==2\n" }.joined(), to: file)
            }
            return CommandOutput()
        }
        if command.executable == "timeout", !hasRepository { return CommandOutput(status: .exited(128)) }
        if command.executable == "apt-cache" { return CommandOutput(standardOutput: "python3 | 3.11.2-1 | mirror\n") }
        if words.last == "uv", let target = value(of: "--target") {
            try makeDirectory("\(target)/bin")
            try writeAtomically("", to: "\(target)/bin/uv")
        }
        if let report = value(of: "--report") {
            guard hasWheels, hasAll(words) else { return CommandOutput(status: .exited(1)) }
            let wheels = words.filter { $0.hasSuffix("==2") }.map { $0.dropLast(3) }.map {
                #"{"metadata": {"name": "\#($0)", "version": "2"}, "#
                    + #""download_info": {"archive_info": {"hashes": {"sha256": "hash-\#($0)"}}}}"#
            }
            try writeAtomically(#"{"install": [\#(wheels.joined(separator: ","))]}"#, to: report)
        }
        return CommandOutput()
    }

    private func hasAll(_ words: [String]) -> Bool {
        sourceOnly.allSatisfy { words.joined(separator: " ").contains("--no-binary \($0)") }
    }

    private func closure(of requirements: [String], without excluded: Set<String>) -> Set<String> {
        var found: Set<String> = []
        var open = requirements
        while let next = open.popLast() {
            let name = String(next.prefix { $0 != "[" })
            guard !excluded.contains(name) else { continue }
            open += needs[next] ?? []
            if found.insert(name).inserted, name != next { open.append(name) }
        }
        return found
    }
}
