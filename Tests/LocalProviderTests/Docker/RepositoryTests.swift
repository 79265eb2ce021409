import Sandbox
import Testing

@testable import LocalProvider

@Suite("Repositories of images")
struct RepositoryTests {
    @Test(
        "a host is told from an organization as Docker does",
        arguments: [
            ("exasol/data-science-sandbox", nil, "exasol/data-science-sandbox"),
            ("ghcr.io/exasol/sandbox", "ghcr.io", "exasol/sandbox"),
            ("localhost/exasol/sandbox", "localhost", "exasol/sandbox"),
            ("localhost:5000/exasol/sandbox", "localhost:5000", "exasol/sandbox"),
            ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c"), ("library", nil, "library"),
        ] as [(String, String?, String)])
    func parts(text: String, host: String?, path: String) throws {
        let repository = try ImageRepository(text)
        #expect(repository.host == host)
        #expect(repository.path == path)
        #expect(repository.description == text)
    }

    @Test(
        "what no registry would take is refused",
        arguments: ["", "Exasol/Sandbox", "a//b", "a/b:tag", "a/-b", "host:5000/"])
    func refused(text: String) {
        #expect(throws: Failure.self) { try ImageRepository(text) }
    }

    @Test("plain HTTP is for registries on this machine alone")
    func plain() throws {
        for name in ["localhost:5000/a", "127.0.0.1:5000/a", "127.3.2.1/a", "[::1]:5000/a"] {
            #expect(try ImageRepository(name).isOnThisMachine, "\(name)")
        }
        for name in [
            "example.org/a", "exasol/a", "10.0.0.1:5000/a", "localhost.example.org/a", "127.evil.example/a",
            "127.0.0.1.example.org:5000/a", "127.0.0/a",
        ] {
            #expect(try !ImageRepository(name).isOnThisMachine, "\(name)")
        }
    }

    @Test("a version becomes a tag as it is, or is refused")
    func tags() throws {
        try ImageRepository.check(tag: "1.0.0-rc_1")
        for tag in ["", "-1", "1 0", "1+2", String(repeating: "a", count: 129)] {
            #expect(throws: Failure.self) { try ImageRepository.check(tag: tag) }
        }
    }
}
