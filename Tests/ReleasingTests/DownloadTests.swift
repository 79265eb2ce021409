import AWSCore
import AWSServices
import Foundation
import Glibc
import HTTPTransport
import Sandbox
import Synchronization
import Testing
import Workbench

@testable import Releasing

@Suite("Download")
struct DownloadTests {
    private func failure(_ body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch { return error }
    }

    @Test(
        "fetches a file in pieces, three at the same time, and gives it its name at the end",
        arguments: [
            1, 9_999, 10_000, 10_001, 95_000,
        ])
    func whole(size: Int) async throws {
        try await FakeDownloadSite.with { workspace in
            let bytes = try await workspace.publish(size: size)
            let together: [String: Any] = ["method": "GET", "count": 3, "times": 3]
            if size > 30_000 { try await workspace.order("together", "sandbox-", together) }
            let item = try await workspace.download()
            #expect(try workspace.bytes() == bytes)
            #expect(workspace.names == ["sandbox-0.1.0.vmdk"])
            #expect(item.checkSentence.hasPrefix("SHA-256 "))
            #expect(try await workspace.requests().count { $0.method == "GET" } == (size + 9_999) / 10_000)
        }
    }

    @Test("an empty file")
    func empty() async throws {
        try await FakeDownloadSite.with { workspace in
            _ = try await workspace.publish(size: 0)
            try await workspace.download()
            #expect(try workspace.bytes().isEmpty)
        }
    }

    @Test(
        "goes on after lost connections, cut-off answers and failures of the server",
        arguments: [
            ("reset", [:]), ("truncate", [:]), ("status", ["status": 503]), ("status", ["status": 500]),
        ] as [(String, [String: Int])])
    func faults(kind: String, more: [String: Int]) async throws {
        try await FakeDownloadSite.with { workspace in
            let bytes = try await workspace.publish(size: 45_000)
            let order: [String: Any] = ["method": "GET", "after": 1, "times": 3]
            try await workspace.order(kind, "sandbox-", order.merging(more) { $1 })
            try await workspace.download()
            #expect(try workspace.bytes() == bytes)
        }
    }

    @Test("resumes: pieces that have arrived are not fetched again")
    func resumes() async throws {
        try await FakeDownloadSite.with { workspace in
            let bytes = try await workspace.publish(size: 95_000)
            try await workspace.order("reset", "sandbox-", ["method": "GET", "after": 4, "times": 1000])
            let error = await failure { try await workspace.download(attempts: 1) }
            #expect((error as? Failure)?.code == .temporary)
            #expect(!fileExists("\(workspace.folder)/sandbox-0.1.0.vmdk"))
            let before = try await workspace.requests().count { $0.status == 206 }
            try await workspace.withdraw()
            let resumed = Mutex(0)
            try await workspace.download { state in resumed.withLock { $0 = state.resumed } }
            #expect(try workspace.bytes() == bytes)
            let kept = resumed.withLock { $0 } / 10_000
            #expect(kept > 0)
            #expect(try await workspace.requests().count { $0.status == 206 } - before == 10 - kept)
        }
    }

    @Test("restarts if the file changed, between runs or within one")
    func changes() async throws {
        try await FakeDownloadSite.with { workspace in
            let first = try await workspace.publish(size: 45_000) { $0.sha256 = nil }
            try await workspace.order("change", "sandbox-", ["method": "GET", "after": 3])
            try await workspace.download()
            #expect(try workspace.bytes() == first.map { $0 &+ 1 })
            #expect(workspace.notices.texts.all.contains { $0.contains("changed on the server") })
        }
    }

    @Test("a file that changes all the time is given up, and leaves no file of that name")
    func changing() async throws {
        try await FakeDownloadSite.with { workspace in
            _ = try await workspace.publish(size: 45_000) { $0.sha256 = nil }
            try await workspace.order("change", "sandbox-", ["method": "GET", "times": 1000])
            let error = await failure { try await workspace.download() }
            #expect(error is IntegrityError, "\(String(describing: error))")
            #expect(!workspace.names.contains("sandbox-0.1.0.vmdk"))
        }
    }

    @Test(
        "the name of the file is that of an image of the release",
        arguments: [
            "../sandbox-0.1.0.vmdk", "sandbox-0.2.0.vmdk", "sandbox-0.1.0.sh", ".bashrc", ".x-0.1.0.vmdk",
            "a/b-0.1.0.vmdk", "-0.1.0.vmdk",
        ])
    func foreignName(name: String) async throws {
        try await FakeDownloadSite.with { workspace in
            let file = Manifest.File(name: name, format: .vmdk, bytes: 1, sha256: nil)
            let manifest = try sampleManifest("0.1.0", files: [file])
            try await workspace.put(
                "\(FakeDownloadSite.prefix)/0.1.0/\(Manifest.fileName)", Array(manifest.json.utf8))
            let error = await failure { try await workspace.download() }
            #expect((error as? Failure)?.code == .badData, "\(String(describing: error))")
        }
    }

    @Test("another file of the same name is neither replaced nor removed")
    func fileInTheWay() async throws {
        try await FakeDownloadSite.with { workspace in
            _ = try await workspace.publish(size: 1_000)
            let file = "\(workspace.folder)/sandbox-0.1.0.vmdk"
            try Data("mine".utf8).write(to: URL(filePath: file))
            let error = await failure {
                try await withHTTPTransport { transport in
                    let source = try DownloadSource(
                        url: workspace.url, prefix: FakeDownloadSite.prefix, PlainHTTP(transport: transport))
                    _ = try await source.download(
                        AssetID("0.1.0"), .vmdk, to: workspace.folder, events: { _ in }, clock: ContinuousClock())
                }
            }
            #expect((error as? Failure)?.message == "\(file) exists and is not this image")
            #expect(try workspace.bytes() == Array("mine".utf8))
        }
    }

    @Test(
        "HTTPS, or a server on this host",
        arguments: [
            ("https://example.org", true), ("http://127.0.0.1:8000", true), ("http://[::1]:8000/x", true),
            ("http://localhost", true), ("http://example.org", false), ("http://127.evil.example", false),
            ("http://localhost.example.org", false),
        ])
    func scheme(url: String, isGood: Bool) {
        let source = try? DownloadSource(url: url, prefix: "p", PlainHTTP(transport: NoTransport()))
        #expect((source != nil) == isGood)
    }

    private struct NoTransport: Transport {
        func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
            throw TransportError(.notConnected, "this test has no network")
        }
    }

    @Test("an answer that is too large for its kind is not read to its end")
    func endless() async throws {
        try await FakeDownloadSite.with { workspace in
            _ = try await workspace.publish(size: 1_000)
            try await workspace.put(
                "\(FakeDownloadSite.prefix)/0.1.0/\(Manifest.fileName)", Array(repeating: 32, count: (16 << 20) + 1))
            let error = await failure { try await workspace.download(attempts: 1) }
            #expect(error.map { "\($0)" }?.contains("larger than the limit of 16777216 bytes") == true)
        }
    }

    @Test("SHA-256 detects wrong bytes, and the next run fetches them again")
    func corrupt() async throws {
        try await FakeDownloadSite.with { workspace in
            let bytes = try await workspace.publish(size: 45_000)
            try await workspace.order("corrupt", "sandbox-", ["method": "GET", "after": 2])
            #expect(await failure { try await workspace.download() } is IntegrityError)
            #expect(!workspace.names.contains("sandbox-0.1.0.vmdk"))
            try await workspace.download()
            #expect(try workspace.bytes() == bytes)
        }
    }

    @Test("the check is SHA-256 from manifest or SHA256SUMS, else S3's CRC, else the size, and it says which")
    func checks() async throws {
        try await FakeDownloadSite.with { workspace in
            let bytes = try await workspace.publish(size: 25_000) { file in
                file.sha256 = nil
                file.crc64 = "wrong"
            }
            #expect(await failure { try await workspace.download() } is IntegrityError)

            let crc = CRC64NVME(of: bytes).base64
            try await workspace.republish(bytes, sha256: nil, crc64: crc)
            #expect(try await workspace.download().check == .crc64(crc))

            try await workspace.republish(bytes, sha256: nil, crc64: nil)
            #expect(try await workspace.download().checkSentence.contains("size only"))

            let digest = SHA256Checksum(of: bytes).hexadecimal
            let path = "\(FakeDownloadSite.prefix)/0.1.0/SHA256SUMS"
            try await workspace.put(path, Array("\(digest)  sandbox-0.1.0.vmdk\n".utf8))
            #expect(try await workspace.download().check == .sha256(digest))
            #expect(try await workspace.download().isThere(at: "\(workspace.folder)/sandbox-0.1.0.vmdk"))

            try await workspace.put(path, Array("\(String(repeating: "0", count: 64))  sandbox-0.1.0.vmdk\n".utf8))
            #expect(await failure { try await workspace.download() } is IntegrityError)
        }
    }

    @Test("a wrong length, or a server without ranges, is not downloaded")
    func lengths() async throws {
        try await FakeDownloadSite.with { workspace in
            _ = try await workspace.publish(size: 45_000) { $0.bytes = 44_000 }
            #expect(
                "\(await failure { try await workspace.download() }!)".contains(
                    "45000 bytes, but its manifest says 44000"))
            #expect(workspace.names.isEmpty)
            _ = try await workspace.publish("0.2.0", size: 45_000)
            try await workspace.order("whole", "sandbox-0.2.0", ["method": "GET"])
            #expect(
                "\(await failure { try await workspace.download("0.2.0") }!)".contains(
                    "did not return the requested range"))
        }
    }

    @Test(
        "what the server refuses is explained and never saved",
        arguments: [
            (405, ["x-amz-waf-action": "captcha"], Failure.Code.noPermission, "open that URL in a browser"),
            (202, ["x-amz-waf-action": "challenge"], .noPermission, "requires a challenge"),
            (403, [:], .noPermission, "after too many requests"), (404, [:], .badData, "not found"),
            (301, ["Location": "https://other.example.com/x"], .usage, "https://other.example.com/x"),
            (500, [:], .temporary, "resume the download"), (418, [:], .unavailable, "418"),
        ] as [(Int, [String: String], Failure.Code, String)])
    func refusals(status: Int, headers: [String: String], code: Failure.Code, words: String) async throws {
        for file in ["manifest", "sandbox-"] {
            try await FakeDownloadSite.with { workspace in
                _ = try await workspace.publish(size: 25_000)
                try await workspace.order("status", file, ["status": status, "headers": headers, "times": 100])
                let failure = await failure { try await workspace.download() } as? Failure
                #expect(failure?.code == code, "\(failure?.description ?? "nothing")")
                #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "nothing")")
                #expect(workspace.names.isEmpty)
            }
        }
    }

    @Test("a CAPTCHA during a download keeps the finished pieces")
    func captcha() async throws {
        try await FakeDownloadSite.with { workspace in
            let bytes = try await workspace.publish(size: 45_000)
            let wanted: [String: Any] = [
                "method": "GET", "after": 2, "status": 405, "headers": ["x-amz-waf-action": "captcha"], "times": 100,
            ]
            try await workspace.order("status", "sandbox-", wanted)
            #expect((await failure { try await workspace.download() } as? Failure)?.code == .noPermission)
            try await workspace.withdraw()
            try await workspace.download()
            #expect(try workspace.bytes() == bytes)
        }
    }

    @Test("the rate limit before the files is waited for, since they were served before", arguments: [403, 429])
    func rates(status: Int) async throws {
        try await FakeDownloadSite.with { workspace in
            let bytes = try await workspace.publish(size: 45_000)
            try await workspace.order(
                "status", "sandbox-", ["method": "GET", "after": 2, "status": status, "times": 3])
            try await workspace.download()
            #expect(try workspace.bytes() == bytes)
            #expect(workspace.notices.sleeps.all.map(\.components.seconds) == [30, 30, 30])
            #expect(workspace.notices.texts.all.first?.contains("rate limited by") == true)
        }
    }

    @Test("a missing id or format is reported with the available ones")
    func unknown() async throws {
        try await FakeDownloadSite.with { workspace in
            _ = try await workspace.publish(size: 10)
            let json = ReleasesDocument.json([try sampleRelease("0.1.0"), try sampleRelease("0.0.9")], base: "")
            try await workspace.put(ReleasesDocument.fileName, Array(json.utf8))
            let unknown = await failure { try await workspace.download("0.1") } as? Failure
            #expect(unknown?.details == ["available releases: 0.1.0, 0.0.9"])
            let lacking = await failure { try await workspace.download("0.1.0", .ova) } as? Failure
            #expect(lacking?.code == .badData && lacking?.advice?.contains("--format vmdk") == true)
        }
    }

    @Test("a manifest cannot name a place outside the folder", arguments: ["../x.vmdk", "/etc/x", ".x", "a/b"])
    func places(name: String) async throws {
        try await FakeDownloadSite.with { workspace in
            _ = try await workspace.publish(size: 10) { $0.name = name }
            #expect((await failure { try await workspace.download() } as? Failure)?.code == .badData)
        }
    }

    @Test(
        "a full disk is said, and what has arrived stays", .enabled(if: geteuid() == 0, "needs root to mount a tmpfs"))
    func fullDisk() async throws {
        try await FakeDownloadSite.with { workspace in
            _ = try await workspace.publish(size: 400_000)
            let small = "\(workspace.folder)/small"
            try makeDirectory(small)
            let runner = SystemCommandRunner()
            try await runner.run(Command("mount", ["-t", "tmpfs", "-o", "size=128k", "tmpfs", small]))
            let error = await failure { try await workspace.download(into: small) } as? TransferFileError
            let left = try? FileManager.default.contentsOfDirectory(atPath: small)
            try await runner.run(Command("umount", [small]))
            #expect(error?.code == ENOSPC)
            #expect(left?.contains("sandbox-0.1.0.vmdk.part") == true)
        }
    }
}
