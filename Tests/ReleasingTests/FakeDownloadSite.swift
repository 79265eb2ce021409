import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Sandbox
import Workbench

@testable import Releasing

/// Part of the server of Tests/DownloadServer that belongs to one test, and a folder to download into.
struct FakeDownloadSite: Sendable {
    /// With a path of its own, so that faults and requests are those of one test.
    let url: String
    let folder: String
    let notices = Notices()

    static let prefix = "data_science_sandbox"

    private static let shared = Task {
        let process = try PythonProcess(["Tests/DownloadServer"])
        let line = try await process.readLine()
        guard let start = line.range(of: "http://") else { throw NoServer(said: line) }
        return (process, String(line[start.lowerBound...]))
    }

    static func with<Result>(_ body: (FakeDownloadSite) async throws -> Result) async throws -> Result {
        let server = try await shared.value.1
        return try await withTemporaryDirectory { folder in
            try await body(
                FakeDownloadSite(url: "\(server)/t-\(UUID().uuidString.prefix(8).lowercased())", folder: folder))
        }
    }

    private init(url: String, folder: String) {
        self.url = url
        self.folder = folder
    }

    /// Publishes a file of random bytes as a release, with its manifest.
    /// - Parameter change: of what the manifest says of it.
    func publish(
        _ id: String = "0.1.0", _ format: ImageFormat = .vmdk, size: Int, sums: String? = nil,
        _ change: (inout Manifest.File) -> Void = { _ in }
    ) async throws -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let name = "sandbox-\(id).\(format.rawValue)"
        var file = Manifest.File(
            name: name, format: format, bytes: Int64(size), sha256: SHA256Checksum(of: bytes).hexadecimal)
        change(&file)
        let manifest = try sampleManifest(id, files: [file])
        try await put("\(Self.prefix)/\(id)/\(Manifest.fileName)", Array(manifest.json.utf8))
        try await put("\(Self.prefix)/\(id)/\(file.name)", bytes)
        if let sums { try await put("\(Self.prefix)/\(id)/\(Manifest.checksumsFileName)", Array(sums.utf8)) }
        return bytes
    }

    /// The same file under another manifest.
    func republish(_ bytes: [UInt8], sha256: String?, crc64: String?) async throws {
        let file = Manifest.File(
            name: "sandbox-0.1.0.vmdk", format: .vmdk, bytes: Int64(bytes.count), sha256: sha256, crc64: crc64)
        let manifest = try sampleManifest(files: [file])
        try await put("\(Self.prefix)/0.1.0/\(Manifest.fileName)", Array(manifest.json.utf8))
    }

    /// Takes back what was ordered for this test.
    func withdraw() async throws {
        let path = Endpoint(url: url, signingRegion: "")!.basePath
        _ = try await control(.delete, query: [.init("path", path)])
    }

    func put(_ path: String, _ bytes: [UInt8]) async throws {
        let endpoint = Endpoint(url: url, signingRegion: "")!
        _ = try await send(HTTPRequest(.put, endpoint, path: "/\(percentEncoded(path, keepsSlash: true))", body: bytes))
    }

    func order(_ kind: String, _ file: String = "sandbox-", _ more: [String: Any] = [:]) async throws {
        let path = "\(Endpoint(url: url, signingRegion: "")!.basePath)/.*\(file)"
        let fault = ["path": path, "kind": kind].merging(more) { $1 }
        _ = try await control(.post, JSONSerialization.data(withJSONObject: [fault]))
    }

    /// The ranges of files that were asked for, and the statuses of the answers.
    func requests(of file: String = "sandbox") async throws -> [(method: String, range: String?, status: Int)] {
        let path = Endpoint(url: url, signingRegion: "")!.basePath
        let answer = try await control(.get, query: [.init("path", path)])
        let all = try JSONSerialization.jsonObject(with: Data(answer)) as? [[String: Any]] ?? []
        return all.filter { ($0["path"] as? String)?.split(separator: "/").last?.contains(file) == true }.map {
            ($0["method"] as? String ?? "", $0["range"] as? String, $0["status"] as? Int ?? 0)
        }
    }

    /// Downloads with small pieces; waits take no time and are noted.
    @discardableResult
    func download(
        _ id: String = "0.1.0", _ format: ImageFormat = .vmdk, into folder: String? = nil, attempts: Int = 4,
        progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws -> DownloadSource.Item {
        let notices = notices
        return try await withHTTPTransport { transport in
            let http = PlainHTTP(
                transport: transport,
                time: CallTime(now: { Date() }, uptime: { .zero }, sleep: { notices.sleeps.append($0) }, random: { 1 }),
                backoff: Backoff(attempts: attempts), tell: { notices.texts.append($0) })
            let source = try DownloadSource(url: url, prefix: Self.prefix, http)
            let item = try await source.item(AssetID(id), format)
            try await source.fetch(
                item, to: "\(folder ?? self.folder)/\(item.name)", plan: TransferPlan(pieceSize: 10_000, parallel: 3),
                progress: progress)
            return item
        }
    }

    func bytes(_ name: String = "sandbox-0.1.0.vmdk") throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
    }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }

    private func control(
        _ method: HTTPRequest.Method, _ body: Data = Data(), query: [HTTPRequest.Pair] = []
    ) async throws -> [UInt8] {
        var endpoint = Endpoint(url: url, signingRegion: "")!
        endpoint.basePath = ""
        return try await send(HTTPRequest(method, endpoint, path: "/_control", query: query, body: Array(body))).body
    }

    private func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await withHTTPTransport { try await $0.send(request, within: .seconds(60)) }
    }
}
