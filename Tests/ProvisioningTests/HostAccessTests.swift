import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite("Existing machines")
struct HostAccessTests {
    private static func config(_ access: HostAccess) async throws -> String {
        try await withTemporaryDirectory { directory in
            let endpoint = try access.endpoint(in: directory)
            return try readText(endpoint.configFile).replacing(directory, with: "DIR")
        }
    }

    @Test("is reached as specified, regardless of the user's SSH configuration")
    func plain() async throws {
        let text = try await Self.config(HostAccess(host: "::1", user: "admin", key: "/k", port: 2222))
        #expect(text.hasPrefix("Host sandbox\n  HostName ::1\n  Port 2222\n  User admin\n  IdentityFile \"/k\"\n"))
        #expect(text.contains("StrictHostKeyChecking yes"))
        #expect(!text.contains("HostKeyAlias") && !text.contains("KnownHosts") && !text.contains("Include"))
    }

    @Test("a user's SSH configuration matches the given host name")
    func included() async throws {
        let text = try await Self.config(HostAccess(host: "box", user: "admin", key: "/k", sshConfig: "/my conf"))
        #expect(text.hasPrefix("Host box\n  User admin\n"))
        #expect(text.hasSuffix("Match all\n  Include \"/my conf\"\n"))
        let lines = text.split(separator: "\n").map(String.init)
        #expect(!lines.contains { $0.contains("HostName") || $0.contains("Port ") })
    }

    @Test("a key of its own counts alone")
    func pinned() async throws {
        try await withTemporaryDirectory { directory in
            var access = HostAccess(host: "10.0.0.1", user: "u", key: "/k", trust: .pinned("ssh-ed25519 AAAA"))
            _ = try access.endpoint(in: directory)
            #expect(try readText("\(directory)/known_hosts") == "sandbox ssh-ed25519 AAAA\n")
            access.trust = .listed("/known")
            #expect(try readText(access.endpoint(in: directory).configFile).contains("UserKnownHostsFile \"/known\""))
        }
    }

    @Test(
        "stands in known_hosts as ssh writes it there",
        arguments: [
            ("hostname a\nport 22", "a", "ssh-keyscan a >> /k1"),
            ("hostname a\nport 23", "[a]:23", "ssh-keyscan -p 23 a >> /k1"),
            ("hostname a\nport 23\nhostkeyalias b", "b", "ssh-keyscan -p 23 a >> /k1"),
        ])
    func target(settings: String, entry: String, scan: String) {
        let target = HostAccess.Target(settings + "\nuserknownhostsfile /k1 /k2\nglobalknownhostsfile none\n")
        #expect(target.entry == entry)
        #expect(target.scan == scan)
        #expect(target.knownHostsFiles == ["/k1", "/k2"])
        #expect(!target.isBehindAnother)
        #expect(HostAccess.Target(settings + "\nproxyjump gate\n").isBehindAnother)
    }

    @Test(
        "is taken for the definition's base only where distribution, release and architecture are the same",
        arguments: [
            ("ID=debian\nVERSION_CODENAME=bookworm\nARCHITECTURE=amd64", nil),
            ("ID=ubuntu\nVERSION_CODENAME=\"noble\"\nARCHITECTURE=amd64", "h runs ubuntu noble amd64"),
            ("ID=debian\nVERSION_CODENAME=bookworm\nARCHITECTURE=arm64", "h runs debian bookworm arm64"),
            ("ID=\"amzn\"\nVERSION_ID=\"2023\"\nARCHITECTURE=", "h runs amzn 2023 amd64"), ("", "h runs unknown"),
        ] as [(String, String?)])
    func system(answer: String, message: String?) throws {
        do {
            try HostSystem(answer).expect(.init(), on: "h")
            #expect(message == nil)
        } catch let failure as Failure {
            #expect(message.map { failure.message.hasPrefix($0) } == true, "\(failure.message)")
        }
    }

    @Test("the script of a new password carries it as one that cannot break out, and refuses several lines")
    func reset() {
        #expect(throws: Failure.self) { try PasswordReset(user: "ubuntu", password: Secret("a\nb")) }
    }
}
