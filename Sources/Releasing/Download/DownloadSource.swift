import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Workbench

/// Where the public downloads releases: the address of the distribution, and the folder of the definition.
package struct DownloadSource: Sendable {
    private let endpoint: Endpoint
    private let prefix: String
    private let http: PlainHTTP

    /// - Parameters:
    ///   - url: such as `https://d111111abcdef8.cloudfront.net`.
    ///   - prefix: of the keys in the bucket, without slashes around it.
    package init(url: String, prefix: String, _ http: PlainHTTP) throws {
        guard let endpoint = Endpoint(url: url, signingRegion: "") else {
            throw Failure(
                .usage, "'\(url)' is not an address to download from",
                advice: "such as --url https://d111111abcdef8.cloudfront.net")
        }
        self.endpoint = endpoint
        self.prefix = prefix
        self.http = http
    }

    /// One file to fetch.
    package struct Item: Sendable, Equatable {
        package var path: String
        package var name: String
        package var format: ImageFormat
        /// Bytes.
        package var size: Int
        package var check: HTTPDownload.Check

        /// Whether a file is this one already. Only a SHA-256 proves it.
        package func isThere(at path: String) throws -> Bool {
            guard case .sha256(let digest) = check, fileExists(path) else { return false }
            return try sha256(of: path) == digest
        }

        /// What the bytes were held against.
        package var checkSentence: String {
            switch check {
            case .sha256(let digest): "SHA-256 \(digest)"
            case .crc64(let sum): "CRC-64/NVME \(sum); no SHA-256 of it is published"
            case .size: "its size alone; no checksum of it is published"
            }
        }
    }

    /// - Throws: `Failure` where there is no such release, or not in this format.
    package func item(_ assetID: AssetID, _ format: ImageFormat) async throws -> Item {
        let manifest = try await manifest(assetID)
        guard let file = manifest.files.first(where: { $0.format == format }) else {
            throw Failure(
                .badData, "\(assetID) has no file in the format \(format.rawValue)",
                advice: "choose one of: --format \(manifest.files.map(\.format.rawValue).joined(separator: ", "))")
        }
        // It becomes a name in a folder of this machine.
        guard !file.name.contains("/"), !file.name.hasPrefix("."), file.bytes >= 0 else {
            throw Failure(.badData, "the manifest of \(assetID) names a file that cannot be: '\(file.name)'")
        }
        return Item(
            path: path(assetID, file.name), name: file.name, format: format, size: Int(file.bytes),
            check: try await check(file, assetID))
    }

    package func fetch(
        _ item: Item, to file: String, plan: TransferPlan? = nil,
        progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws {
        var download = HTTPDownload(endpoint, path: item.path, to: file, size: item.size, check: item.check)
        if let plan { download.plan = plan }
        try await explained { try await download.run(over: http, progress: progress) }
    }

    private func path(_ assetID: AssetID, _ name: String) -> String {
        "/" + percentEncoded(assetID.key(of: name, under: prefix), keepsSlash: true)
    }

    private func manifest(_ assetID: AssetID) async throws -> Manifest {
        let path = path(assetID, Manifest.fileName)
        let body: [UInt8]
        do { body = try await small(path) } catch let refusal as HTTPRefusal
            where refusal.wafAction == nil && [403, 404].contains(refusal.status)
        {
            throw Failure(refusal, lacking: "release '\(assetID)'", details: await known())
        }
        guard let manifest = try? Manifest(json: String(decoding: body, as: UTF8.self)) else {
            throw Failure(
                .badData, "\(address(path)) is no manifest of a release",
                advice: "check the address; a login page of a network may have answered")
        }
        return manifest
    }

    private func check(_ file: Manifest.File, _ assetID: AssetID) async throws -> HTTPDownload.Check {
        if let digest = file.sha256 { return .sha256(digest) }
        if let digest = try await listed(file.name, path(assetID, Manifest.checksumsFileName)) {
            return .sha256(digest)
        }
        return file.crc64.map { .crc64($0) } ?? .size
    }

    /// What `SHA256SUMS` says of a file; `nil` where that does not name it, or is not there.
    private func listed(_ name: String, _ path: String) async throws -> String? {
        let body: [UInt8]
        do { body = try await small(path) } catch let refusal as HTTPRefusal where [403, 404].contains(refusal.status) {
            return nil
        }
        return String(decoding: body, as: UTF8.self).split(separator: "\n").lazy
            .compactMap { $0.wholeMatch(of: /([0-9a-f]{64}) [ *](.+)/) }.first { $0.2 == name }.map { String($0.1) }
    }

    /// The releases that there are, as a help to whoever has mistyped one.
    private func known() async -> [String] {
        struct Listing: Decodable {
            struct Release: Decodable {
                var assetID: String

                enum CodingKeys: String, CodingKey { case assetID = "asset_id" }
            }

            var releases: [Release]
        }
        guard let body = try? await small("/\(ReleasesDocument.fileName)"),
            let listing = try? JSONDecoder().decode(Listing.self, from: Data(body)), !listing.releases.isEmpty
        else { return [] }
        return ["there are: " + listing.releases.map(\.assetID).joined(separator: ", ")]
    }

    private func small(_ path: String) async throws -> [UInt8] {
        try await explained {
            try await http.get(HTTPRequest(.get, endpoint, path: path, headers: [.init("user-agent", "dss")]))
        } but: {
            [403, 404].contains($0.status) && $0.wafAction == nil
        }
    }

    private func address(_ path: String) -> String { HTTPRequest(.get, endpoint, path: path).url }

    /// Turns what a server or the way to it refuses into what a user is told.
    /// - Parameter handled: what the caller wants to see as it is.
    private func explained<Result>(
        _ body: () async throws -> Result, but handled: (HTTPRefusal) -> Bool = { _ in false }
    ) async throws -> Result {
        do { return try await body() } catch let refusal as HTTPRefusal where !handled(refusal) {
            throw Failure(refusal, lacking: refusal.url)
        } catch let error as TransportError {
            throw Failure(
                error.kind == .notConnected ? .unavailable : .temporary,
                "\(endpoint.host) cannot be reached: \(error.message)",
                advice: "check the network and the address, and run the same command again: it goes on where it was")
        }
    }
}

extension Failure {
    /// Why a server did not give a file.
    /// - Parameter thing: what is missing, where the answer means that.
    init(_ refusal: HTTPRefusal, lacking thing: String, details: [String] = []) {
        if let action = refusal.wafAction {
            self.init(
                .noPermission,
                "the server wants proof that a person asks (\(action), status \(refusal.status)) before it gives \(refusal.url)",
                advice: "open that address in a browser, or ask whoever publishes the images to let your network in: "
                    + "dss setup-vm-bucket-waf --allowed-ip ADDRESS/32")
            return
        }
        switch refusal.status {
        case 404:
            self.init(.badData, "there is no \(thing): \(refusal)", details: details, advice: "check id and address")
        case 403:
            // Who may not list a bucket is not told that something is missing.
            self.init(
                .noPermission, "there is no \(thing), or this machine may not have it: \(refusal)", details: details,
                advice: "check id and address; many requests within some minutes are refused too, for some minutes")
        case 300..<400:
            self.init(
                .usage, "\(refusal.url) is elsewhere: \(refusal.location ?? "the server does not say where")",
                advice: "give that server's address with --url")
        case 500...:
            self.init(.temporary, "\(refusal)", advice: "run the same command again later: it goes on where it was")
        default: self.init(.unavailable, "\(refusal)", advice: "check the address")
        }
    }
}
