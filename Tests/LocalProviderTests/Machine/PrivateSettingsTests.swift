import Glibc
import Sandbox
import Testing
import Workbench

@testable import LocalProvider

@Suite("URLs of the host with a password")
struct PrivateSettingsTests {
    private static let sources = PackageSources(SandboxDefinition.BaseSystem(), host: [:])
    private let host = HostSettings(
        pipConfigurations: ["[global]\nindex-url = https://me:s3cr3t@127.0.0.1:1/simple\ntrusted-host = 127.0.0.1"],
        aptSettings: [#"Acquire::http::Proxy "http://me:s3cr3t@proxy:3128""#],
        environment: [
            "https_proxy": "http://me:s3cr3t@127.0.0.1:3128", "ALL_PROXY": #"me:s3cr3t"'\\@proxy:1"#,
            "http_proxy": "http://proxy:3128", "no_proxy": "localhost",
            "PIP_EXTRA_INDEX_URL": "https://a.test/x\n  https://me:s3cr3t@b.test/y", "PIP_PROXY": "me:s3cr3t@proxy:1",
        ])

    @Test("are not in the environment that Ansible passes on, and in no file that everybody can read")
    func files() {
        let files = MachineFiles(host: host, sources: Self.sources)
        #expect(!files.environment.values.joined().contains("s3cr3t"))
        #expect(files.environment["http_proxy"] == "http://proxy:3128")
        let secret = files.contents.filter { $0.value.contains("s3cr3t") }.keys.sorted()
        #expect(secret == ["apt.conf", "sshd_config"])
        #expect(files.isPrivate("apt.conf") && files.isPrivate("sshd_config") && !files.isPrivate("pip.conf"))
        #expect(files.contents["pip.conf"]?.contains("trusted-host = 10.0.2.2\n") == true)
        let plain = MachineFiles(
            host: HostSettings(environment: ["http_proxy": "http://proxy:3128"]), sources: Self.sources)
        #expect(plain.contents["sshd_config"] == MachineFiles.sshd)
        #expect(plain.privateEnvironment.isEmpty && !plain.isPrivate("apt.conf"))
    }

    @Test("are in the environment of a login, as sshd reads its configuration")
    func login() async throws {
        let files = MachineFiles(host: host, sources: Self.sources)
        let expected = [
            "ALL_PROXY": #"me:s3cr3t"'\\@proxy:1"#, "https_proxy": "http://me:s3cr3t@10.0.2.2:3128",
            "PIP_INDEX_URL": "https://me:s3cr3t@10.0.2.2:1/simple",
            "UV_DEFAULT_INDEX": "https://me:s3cr3t@10.0.2.2:1/simple",
            "PIP_EXTRA_INDEX_URL": "https://a.test/x https://me:s3cr3t@b.test/y",
            "UV_INDEX": "https://a.test/x https://me:s3cr3t@b.test/y", "PIP_PROXY": "me:s3cr3t@proxy:1",
        ]
        #expect(files.privateEnvironment == expected)
        let sshd = "/usr/sbin/sshd"
        guard geteuid() == 0, fileExists(sshd) else { return print("skipped: needs root and sshd") }
        try await withTemporaryDirectory { folder in
            let runner = SystemCommandRunner()
            try await runner.run(.sshKeygen(path: "\(folder)/key", comment: "test"))
            try makeDirectory("/run/sshd")
            try writeAtomically(files.contents["sshd_config"] ?? "", to: "\(folder)/config", mode: 0o600)
            let output = try await runner.run(
                Command(sshd, ["-T", "-f", "\(folder)/config", "-h", "\(folder)/key", "-o", "HostKey=\(folder)/key"]))
            let set = output.split(separator: "\n").filter { $0.hasPrefix("setenv ") }.map { $0.dropFirst(7) }
            #expect(set.map(String.init).sorted() == expected.map { "\($0.key)=\($0.value)" }.sorted())
        }
    }
}
