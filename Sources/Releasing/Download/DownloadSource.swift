import AWSCore
import AWSServices
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// The public source of releases: the URL of the CloudFront distribution and the key prefix of the definition.
package struct DownloadSource: Sendable {
    private let endpoint: Endpoint
    private let prefix: String
    private let http: PlainHTTP

    /// - Parameters:
    ///   - url: A URL such as `https://d111111abcdef8.cloudfront.net`.
    ///   - prefix: The prefix of the keys in the bucket, without leading and trailing slashes.
    package init(url: String, prefix: String, _ http: PlainHTTP) throws {
        guard let endpoint = Endpoint(url: url, signingRegion: "") else {
            throw Failure(
                .usage, "'\(url)' is not a valid download URL",
                advice: "for example --url https://d111111abcdef8.cloudfront.net")
        }
        // The checksums come from the same place, so without TLS nothing protects the download.
        guard endpoint.scheme == "https" || endpoint.isLoopback else {
            throw Failure(
                .usage, "\(url) does not use HTTPS, so the download could be altered on the way",
                advice: "use a URL that starts with https://")
        }
        self.endpoint = endpoint
        self.prefix = prefix
        self.http = http
    }

    /// A file to download.
    package struct Item: Sendable, Equatable {
        package var path: String
        package var name: String
        package var format: ImageFormat
        /// The size in bytes.
        package var size: Int
        package var check: HTTPDownload.Check

        /// Whether the file at a path is already the complete download. Only a SHA-256 digest proves that.
        package func isThere(at path: String) throws -> Bool {
            guard case .sha256(let digest) = check, fileExists(path) else { return false }
            return try sha256(of: path) == digest
        }

        /// Description of how the download is verified.
        package var checkSentence: String {
            switch check {
            case .sha256(let digest): "SHA-256 \(digest)"
            case .crc64(let sum): "CRC-64/NVME \(sum); no SHA-256 is published"
            case .size: "size only; no checksum is published"
            }
        }
    }

    /// Looks up the file of a release in a format.
    /// - Throws: `Failure` if the release does not exist or does not have the format.
    package func item(_ assetID: AssetID, _ format: ImageFormat) async throws -> Item {
        let manifest = try await manifest(assetID)
        guard let file = manifest.files.first(where: { $0.format == format }) else {
            throw Failure(
                .badData, "\(assetID) has no file in format \(format.rawValue)",
                advice: "choose one of: --format \(manifest.files.map(\.format.rawValue).joined(separator: ", "))")
        }
        // The name becomes that of a file on this host.
        guard isName(file.name, of: assetID, format) else {
            throw Failure(
                .badData, "the manifest of \(assetID) names file '\(file.name)', which is no image of this release",
                advice: "check the URL; the name must be <name>-\(format.fileName("\(assetID)"))")
        }
        guard file.bytes >= 0 else {
            throw Failure(.badData, "the manifest of \(assetID) has an invalid size for file '\(file.name)'")
        }
        return Item(
            path: path(assetID, file.name), name: file.name, format: format, size: Int(file.bytes),
            check: try await check(file, assetID))
    }

    /// Whether a file has the name that builds give to their images: `<name>-<id>.<ending>`.
    private func isName(_ name: String, of assetID: AssetID, _ format: ImageFormat) -> Bool {
        let ending = "-" + format.fileName("\(assetID)")
        return name.hasSuffix(ending) && name.dropLast(ending.count).wholeMatch(of: /[^.\/\p{Cc}][^\/\p{Cc}]*/) != nil
    }

    /// A file of a release on this host.
    package struct Downloaded: Sendable {
        package var item: Item
        package var file: String
        /// Whether the complete file was there before.
        package var wasThere: Bool
    }

    /// Downloads the file of a release in a format, unless the complete file is already there.
    /// - Parameter path: An absolute path; if it is a directory, the file gets the name of the image.
    /// - Throws: `LockHeld` if another process is downloading the same file; `Failure` if another file is in the way.
    package func download(
        _ assetID: AssetID, _ format: ImageFormat, to path: String, events: @escaping EventSink,
        clock: any Clock<Duration>
    ) async throws -> Downloaded {
        let item = try await item(assetID, format)
        let file = fileExists("\(path)/.") ? "\(path)/\(item.name)" : path
        guard try !item.isThere(at: file) else { return Downloaded(item: item, file: file, wasThere: true) }
        guard FileKind(of: file) == nil else {
            throw Failure(
                .badData, "\(file) exists and is not this image",
                advice: "remove it, or choose another file with --output")
        }
        let lock = try FileLock("\(file).part-lock", holder: "a download of \(file) is running")
        defer { unlink("\(file).part-lock") }
        try await StageLog(events: events, clock: clock).run(.export) {
            try await fetch(item, to: file) { done in
                events(
                    .progress(
                        .export,
                        Progress(
                            "download \(item.name)", completed: Double(done.done), total: Double(done.total),
                            unit: .bytes)))
            }
            return ((), .done)
        }
        _ = consume lock
        return Downloaded(item: item, file: file, wasThere: false)
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
        do { body = try await small(path) } catch let refusal as HTTPStatusError
            where refusal.wafAction == nil && [403, 404].contains(refusal.status)
        {
            throw Failure(refusal, lacking: "release '\(assetID)'", details: await known())
        }
        do { return try Manifest(json: String(decoding: body, as: UTF8.self)) } catch let failure as Failure
            where failure.code == .badData
        {
            throw failure
        } catch {
            throw Failure(
                .badData, "\(address(path)) is not a release manifest",
                advice: "check the URL; the login page of a network may have answered instead")
        }
    }

    private func check(_ file: Manifest.File, _ assetID: AssetID) async throws -> HTTPDownload.Check {
        if let digest = file.sha256 { return .sha256(digest) }
        if let digest = try await listed(file.name, path(assetID, Manifest.checksumsFileName)) {
            return .sha256(digest)
        }
        return file.crc64.map { .crc64($0) } ?? .size
    }

    /// The digest of a file in `SHA256SUMS`; `nil` if that does not exist or does not list the file.
    private func listed(_ name: String, _ path: String) async throws -> String? {
        let body: [UInt8]
        do { body = try await small(path) } catch let refusal as HTTPStatusError
            where [403, 404].contains(refusal.status)
        {
            return nil
        }
        return String(decoding: body, as: UTF8.self).split(separator: "\n").lazy
            .compactMap { $0.wholeMatch(of: /([0-9a-f]{64}) [ *](.+)/) }.first { $0.2 == name }.map { String($0.1) }
    }

    /// A line with the available releases, to help after a typing error.
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
        return ["available releases: " + listing.releases.map(\.assetID).joined(separator: ", ")]
    }

    private func small(_ path: String) async throws -> [UInt8] {
        try await explained {
            try await http.get(HTTPRequest(.get, endpoint, path: path, headers: [.init("user-agent", "dss")]))
        } but: {
            [403, 404].contains($0.status) && $0.wafAction == nil
        }
    }

    private func address(_ path: String) -> String { HTTPRequest(.get, endpoint, path: path).url }

    /// Converts refusals of the server and network errors to failures with advice.
    /// - Parameter handled: Selects the refusals that are rethrown unchanged, because the caller handles them.
    private func explained<Result>(
        _ body: () async throws -> Result, but handled: (HTTPStatusError) -> Bool = { _ in false }
    ) async throws -> Result {
        do { return try await body() } catch let refusal as HTTPStatusError where !handled(refusal) {
            throw Failure(refusal, lacking: refusal.url)
        } catch let error as TransportError {
            throw Failure(
                error.kind == .notConnected ? .unavailable : .temporary,
                "cannot reach \(endpoint.host): \(error.message)",
                advice: "check the network and the URL, and run the same command again to resume the download")
        }
    }
}

extension Failure {
    /// The failure for a download that a server refused.
    /// - Parameter thing: The name of what is missing, for responses with that meaning.
    init(_ refusal: HTTPStatusError, lacking thing: String, details: [String] = []) {
        if let action = refusal.wafAction {
            self.init(
                .noPermission,
                "the server requires a \(action) for \(refusal.url) (status \(refusal.status))",
                advice: "open that URL in a browser, or ask the publisher of the images to allow your network: "
                    + "dss setup-vm-bucket-waf --allowed-ip ADDRESS/32")
            return
        }
        switch refusal.status {
        case 404:
            self.init(
                .badData, "\(thing) not found: \(refusal)", details: details, advice: "check the asset id and the URL")
        case 403:
            // Without permission to list the bucket, S3 returns 403 for a missing object.
            self.init(
                .noPermission, "\(thing) not found, or access denied: \(refusal)", details: details,
                advice:
                    "check the asset id and the URL; after too many requests, wait some minutes before you try again")
        case 300..<400:
            self.init(
                .usage, "\(refusal.url) redirects to \(refusal.location ?? "an unknown location")",
                advice: "pass the URL of that server with --url")
        case 500...:
            self.init(.temporary, "\(refusal)", advice: "run the same command again later to resume the download")
        default: self.init(.unavailable, "\(refusal)", advice: "check the URL")
        }
    }
}
