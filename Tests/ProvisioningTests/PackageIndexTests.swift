import FoundationEssentials
import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite("The package index")
struct PackageIndexTests {
    @Test("apt's table gives all versions, newest first, each once")
    func madison() {
        let table = """
                   git | 1:2.39.5-0+deb12u3 | http://mirror bookworm/main amd64 Packages
                   git | 1:2.39.5-0+deb12u2 | http://mirror bookworm-security/main amd64 Packages
                   git | 1:2.39.5-0+deb12u2 | http://mirror bookworm-updates/main amd64 Packages
             docker.io | 20.10.24+dfsg1-1 | http://mirror bookworm/main amd64 Packages
            """
        #expect(
            PackageIndex.versions(inMadison: table) == [
                "git": ["1:2.39.5-0+deb12u3", "1:2.39.5-0+deb12u2"], "docker.io": ["20.10.24+dfsg1-1"],
            ])
        #expect(PackageIndex.versions(inMadison: "").isEmpty)
    }

    @Test("pip's report gives names as the index compares them, versions and hashes")
    func report() throws {
        let json =
            #"{"install":[{"metadata":{"name":"Jinja_.2","version":"3.1.6","x":1}},{"metadata":{"name":"anyio","version":"4.9.0"},"download_info":{"url":"u","archive_info":{"hash":"sha256=ab","hashes":{"sha256":"ab"}}}}]}"#
        #expect(
            try PackageIndex.wheels(inReport: Data(json.utf8)) == [
                "jinja-2": .init(version: "3.1.6"), "anyio": .init(version: "4.9.0", sha256: "ab"),
            ])
    }

    @Test("uv's lines give names as the index compares them, versions, and who needs them, without extras and markers")
    func requirements() {
        let text = """
            --index-url https://mirror
            Jinja_.2==3.1.6          # via Foo_Bar, jupyterlab, -c constraints.txt
            ibis-framework[duckdb,exasol]==10.1
            colorama==0.4.6 ; sys_platform == 'win32'  # via click
            """
        #expect(
            PackageIndex.resolved(inRequirements: text) == [
                .init(name: "jinja-2", version: "3.1.6", requiredBy: ["foo-bar", "jupyterlab"]),
                .init(name: "ibis-framework", version: "10.1"),
                .init(name: "colorama", version: "0.4.6", requiredBy: ["click"]),
            ])
    }

    @Test("uv is told what pip was told; a later setting wins, others are left out")
    func settings() {
        let text = """
            global.index-url='https://mirror/simple'
            global.timeout='60'
            :env:.cert='/etc/ca.pem'
            install.index-url='https://other/simple?a=b'
            """
        #expect(
            PackageIndex.uvSettings(pipSettings: text)
                == ["UV_DEFAULT_INDEX": "https://other/simple?a=b", "SSL_CERT_FILE": "/etc/ca.pem"])
    }

    @Test(
        "a pin is current, outdated, gone, of a package that never existed, or could not be asked",
        arguments: [
            (["2", "1"], PinStatus.State.outdated), (["1"], .current), (["3", "2"], .gone), ([], .unlisted),
            (nil, .unknown),
        ] as [([String]?, PinStatus.State)])
    func judgment(_ versions: [String]?, _ state: PinStatus.State) {
        #expect(PinStatus.judge(.apt, "git", pinned: "1", versions: versions).state == state)
    }

    @Test("a package that the index lacks has no versions; an index that does not answer is named")
    func silentIndex() async throws {
        let missing = "Could not fetch URL https://a/simple/x/: 404 Client Error: Not Found for url: u - skipping"
        let refused = "Could not fetch URL https://b:1/simple/x/: connection error: refused - skipping"
        #expect(PackageIndex.silentIndex(inLog: "1 location(s)\n\(missing)\n") == nil)
        #expect(try await Self.versions(log: missing) == [])
        let failure = await #expect(throws: Failure.self) { try await Self.versions(log: "\(missing)\n  \(refused)") }
        #expect(failure?.code == .unavailable && failure?.details == ["connection error: refused"])
        #expect(failure?.message == "the package index https://b:1/simple does not answer")
        let broken = await #expect(throws: Failure.self) {
            try await Self.versions(log: "", error: "No module named pip")
        }
        #expect(broken?.code == .unavailable && broken?.details == ["No module named pip"])
    }

    /// What a pip that finds no version leads to.
    private static func versions(
        log: String, error: String = "ERROR: No matching distribution found for x"
    ) async throws -> [String] {
        let pip = EmptyIndex(log: log, error: error)
        return try await PackageIndex.with(sources: "", architecture: .amd64, python: "python3", runner: pip) {
            try await $0.newestPython("x")
        }
    }

    @Test("a missing pin is reported with the available version")
    func sentence() {
        let status = PinStatus.judge(.pip, group: "jupyter", "anyio", pinned: "1", versions: ["3"])
        #expect(status.sentence == "pip jupyter anyio 1 is no longer available; newest version: 3")
    }
}

/// pip with an index that has nothing.
private struct EmptyIndex: ExecutingRunner {
    var log: String
    var error: String

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        guard command.executable == "python3" else { return CommandOutput() }
        let isVerbose = command.arguments.contains("--verbose")
        return CommandOutput(status: .exited(1), standardOutput: isVerbose ? log : "", standardError: error)
    }
}
