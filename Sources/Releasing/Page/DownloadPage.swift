import AWSCore
import AWSServices
import FoundationEssentials
import Mustache
import Reporting
import Sandbox

/// The public download page: a single self-contained HTML document, without scripts and without other servers.
package struct DownloadPage: Sendable {
    package static let fileName = "index.html"

    private let model: Model

    /// - Parameter releases: The releases, newest first.
    package init(_ releases: [PublishedRelease], title: String = "Data-science sandbox") {
        model = Model(
            title: title, hasReleases: !releases.isEmpty,
            releases: releases.enumerated().map { Release($0.element, isNewest: $0.offset == 0) })
    }

    /// The HTML of the page. The template engine escapes all data.
    package var html: String {
        get throws {
            try MustacheTemplate(string: String(decoding: PackageResources.index_mustache, as: UTF8.self)).render(model)
        }
    }

    // The template refers to these properties by name.

    private struct Model {
        var title: String
        var hasReleases: Bool
        var releases: [Release]
    }

    private struct Release {
        var anchor, heading, facts, day, first: String
        var isNewest, hasFiles, hasImages: Bool
        var checksums, start: String?
        var missing: [MissingComponent]
        var files: [File]
        var images: [PublishedRelease.Image]
        var places: [Place]

        init(_ release: PublishedRelease, isNewest: Bool) {
            let id = release.assetID
            anchor = "release-\(id.dashed)"
            heading = id.rawValue == release.version ? "Version \(id)" : "Version \(release.version) (\(id))"
            facts = "\(release.system), \(release.architecture.rawValue), disk of \(release.diskMiB / 1024) GiB"
            day = release.day
            first = StartGuide.first(release)
            self.isNewest = isNewest
            hasFiles = !release.files.isEmpty
            hasImages = !release.images.isEmpty
            checksums = release.checksumsURL
            start = release.startURL
            missing = release.missing
            files = release.files.map(File.init)
            images = release.images
            places = StartGuide(release).places.map(Place.init)
        }
    }

    private struct File {
        var name, url, purpose, size, bytes: String
        var sha256: String?

        init(_ file: PublishedRelease.File) {
            name = file.name
            url = file.url
            purpose = file.format.purpose
            size = Units.size(file.bytes)
            bytes = "\(file.bytes)"
            sha256 = file.sha256
        }
    }

    private struct Place {
        var title: String
        var steps: [Step]

        init(_ place: StartGuide.Place) {
            title = place.title
            steps = place.steps.map(Step.init)
        }
    }

    private struct Step {
        var text: String?
        var command: String?

        init(_ step: StartGuide.Step) {
            switch step {
            case .text(let text): self.text = text
            case .command(let command): self.command = command
            }
        }
    }
}

/// `releases.json`: the contents of the download page in machine-readable form. It does not depend on the time of
/// writing.
package enum ReleasesDocument {
    package static let fileName = "releases.json"

    /// - Parameter base: The base URL that precedes the relative URLs of the page, with a trailing slash.
    package static func json(_ releases: [PublishedRelease], base: String) -> String {
        JSONValue.object([("releases", .array(releases.map { value($0, base) }))]).pretty + "\n"
    }

    private static func value(_ release: PublishedRelease, _ base: String) -> JSONValue {
        .object([
            ("asset_id", .string(release.assetID.rawValue)), ("name", .string(release.name)),
            ("version", .string(release.version)), ("built", .string(release.built.formatted(.iso8601))),
            ("system", .string(release.system)), ("architecture", .string(release.architecture.rawValue)),
            ("user", .string(release.user)), ("jupyter_port", .count(release.jupyterPort)),
            ("disk_mib", .count(release.diskMiB)),
            (
                "missing",
                .array(
                    release.missing.map {
                        .object([("component", .string($0.component)), ("reason", .string($0.reason))])
                    })
            ),
            ("files", .array(release.files.map { file($0, base) })), ("images", .array(release.images.map(image))),
        ])
    }

    private static func file(_ file: PublishedRelease.File, _ base: String) -> JSONValue {
        .object([
            ("name", .string(file.name)), ("format", .string(file.format.rawValue)), ("url", .string(base + file.url)),
            ("bytes", .integer(file.bytes)), ("sha256", .text(file.sha256)),
        ])
    }

    private static func image(_ image: PublishedRelease.Image) -> JSONValue {
        .object([
            ("region", .string(image.region)), ("id", .string(image.id)), ("name", .string(image.name)),
            ("public", .bool(image.isPublic)),
        ])
    }
}

/// The finished builds in the bucket, identified by their manifests.
package struct ReleaseCatalog: Sendable {
    private let store: any ArtifactStore
    private let bucket: String
    /// The key prefix of the definition, without a trailing slash.
    private let prefix: String

    package init(_ store: any ArtifactStore, bucket: String, prefix: String) {
        self.store = store
        self.bucket = bucket
        self.prefix = prefix
    }

    package struct Contents: Sendable, Equatable {
        /// The manifests, newest first.
        package var manifests: [Manifest]
        /// Warnings about objects in the bucket that were skipped.
        package var troubles: [String]
    }

    /// The S3 key of a build's file.
    package func key(_ assetID: AssetID, _ name: String) -> String { assetID.key(of: name, under: prefix) }

    package func read() async throws -> Contents {
        let sizes = Dictionary(try await store.list(prefix + "/").map { ($0.key, $0.bytes) }) { $1 }
        let keys = sizes.keys.filter { key in
            key.hasSuffix("/\(Manifest.fileName)")
                && key.split(separator: "/").count == 3 + prefix.count(where: { $0 == "/" })
        }
        var contents = Contents(manifests: [], troubles: [])
        for (key, manifest) in try await manifests(keys.sorted()) {
            guard let manifest else {
                contents.troubles.append("s3://\(bucket)/\(key) is not a manifest of this version of dss; skipped")
                continue
            }
            // A manifest without images describes a Docker image alone.
            if manifest.files.isEmpty, manifest.container != nil { continue }
            contents.add(manifest) { sizes[self.key(manifest.assetID, $0)] }
        }
        contents.manifests.sort { ($1.built, $1.assetID.rawValue) < ($0.built, $0.assetID.rawValue) }
        return contents
    }

    /// The manifest of one build.
    /// - Throws: `Failure` if the build is not finished.
    package func manifest(of assetID: AssetID) async throws -> Manifest {
        guard let found = try await manifests([key(assetID, Manifest.fileName)]).first, let manifest = found.manifest,
            !manifest.files.isEmpty
        else {
            let folder = "s3://\(bucket)/\(assetID.folder(under: prefix))"
            throw Failure(
                .badData, "asset id \(assetID) has no finished images in \(folder)",
                advice: "dss show-aws-assets --asset-id '\(assetID)'")
        }
        return manifest
    }

    private func manifests(_ keys: [String]) async throws -> [(key: String, manifest: Manifest?)] {
        try await withThrowingTaskGroup(of: (String, Manifest?)?.self) { group in
            for key in keys {
                group.addTask {
                    // The object may have been removed after it was listed.
                    guard let body = try await store.read(key) else { return nil }
                    let manifest = try? Manifest(json: String(decoding: body, as: UTF8.self))
                    // A manifest in the folder of another build describes files that do not exist there.
                    return (key, manifest.flatMap { self.key($0.assetID, Manifest.fileName) == key ? $0 : nil })
                }
            }
            return try await group.compactMap { $0 }.reduce(into: []) { $0.append((key: $1.0, manifest: $1.1)) }
                .sorted { $0.key < $1.key }
        }
    }
}

extension ReleaseCatalog.Contents {
    /// Adds a manifest without the files that are missing or whose size differs.
    fileprivate mutating func add(_ manifest: Manifest, size: (String) -> Int64?) {
        var manifest = manifest
        for file in manifest.files where size(file.name) != file.bytes {
            troubles.append("\(file.name) of \(manifest.assetID) does not match its manifest; skipped")
        }
        manifest.files.removeAll { size($0.name) != $0.bytes }
        manifests.append(manifest)
    }
}

/// Uploads page and document to the bucket and invalidates them in CloudFront.
package struct IndexPublication: Sendable {
    private let client: AWSClient
    private let bucket: String
    private let distributionID: String
    private let polling: PollingPolicy

    package init(
        _ client: AWSClient, bucket: String, distributionID: String,
        polling: PollingPolicy = PollingPolicy(limit: .seconds(1800))
    ) {
        self.client = client
        self.bucket = bucket
        self.distributionID = distributionID
        self.polling = polling
    }

    package struct Item: Sendable, Equatable {
        package var key: String
        package var contentType: String
        package var text: String

        package init(_ key: String, _ contentType: String, _ text: String) {
            self.key = key
            self.contentType = contentType
            self.text = text
        }
    }

    /// A few minutes only, so that files are soon up to date even if an interrupted run did not invalidate them.
    static let cacheControl = "public, max-age=300"

    /// - Parameter tell: Called before waiting for the invalidation.
    /// - Returns: The keys that were uploaded; empty if all were up to date.
    package func run(_ items: [Item], tell: (String) -> Void = { _ in }) async throws -> [String] {
        var stored: [String] = []
        for item in items where try await store(item) { stored.append(item.key) }
        guard !stored.isEmpty else { return [] }
        // CloudFront also serves the page at the root URL.
        let paths =
            stored.map { "/" + percentEncoded($0, keepsSlash: true) }
            + (stored.contains(DownloadPage.fileName) ? ["/"] : [])
        let made = try await client.call(
            CloudFront.CreateInvalidation(distributionId: distributionID, paths: paths))
        if made.status != "Completed" { tell("waiting for the CloudFront invalidation") }
        try await client.wait(for: "the invalidation \(made.id) of \(distributionID)", at: polling) {
            let now = try await client.call(CloudFront.GetInvalidation(distributionId: distributionID, id: made.id))
            return now.status == "Completed" ? () : nil
        }
        return stored
    }

    private func store(_ item: Item) async throws -> Bool {
        var put = S3.PutObject(
            bucket: bucket, key: item.key, body: Array(item.text.utf8), contentType: item.contentType)
        put.cacheControl = Self.cacheControl
        put.checksumSHA256 = SHA256Checksum(of: put.body).base64
        if try await checksum(of: item.key) == put.checksumSHA256 { return false }
        _ = try await client.call(put)
        return true
    }

    private func checksum(of key: String) async throws -> String? {
        do {
            return try await client.call(S3.HeadObject(bucket: bucket, key: key, checksumMode: "ENABLED"))
                .checksumSHA256
        } catch let error as AWSError where ["NotFound", "NoSuchKey"].contains(error.code) {
            return nil
        }
    }
}

/// The public artifacts of one build, as shown in the release notes and on the download page.
package struct PublishedRelease: Sendable, Equatable {
    package struct File: Sendable, Equatable {
        package var name: String
        package var format: ImageFormat
        package var url: String
        package var bytes: Int64
        /// The digest in lowercase hexadecimal; `nil` if only S3 has read the whole file.
        package var sha256: String?

        package init(name: String, format: ImageFormat, url: String, bytes: Int64, sha256: String?) {
            self.name = name
            self.format = format
            self.url = url
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    /// An AMI in one region.
    package struct Image: Sendable, Equatable {
        package var region: String
        package var id: String
        package var name: String
        /// Whether any AWS account can launch instances from it.
        package var isPublic: Bool

        package init(region: String, id: String, name: String, isPublic: Bool) {
            self.region = region
            self.id = id
            self.name = name
            self.isPublic = isPublic
        }
    }

    package var assetID: AssetID
    package var name: String
    package var version: String
    package var built: Date
    /// The distribution and release, such as `Debian bookworm`.
    package var system: String
    package var architecture: Architecture
    package var user: String
    package var jupyterPort: Int
    package var diskMiB: Int
    package var missing: [MissingComponent]
    package var files: [File]
    /// The AMIs, sorted by region.
    package var images: [Image]

    /// - Parameters:
    ///   - images: The AMIs of the build in EC2.
    ///   - url: Returns the download URL of a file.
    package init(_ manifest: Manifest, images: [Image], url: (_ name: String) -> String) {
        assetID = manifest.assetID
        name = manifest.name
        version = manifest.version
        built = manifest.built
        system = manifest.distribution.prefix(1).uppercased() + manifest.distribution.dropFirst() + " " + manifest.suite
        architecture = manifest.architecture
        user = manifest.user
        jupyterPort = manifest.jupyterPort
        diskMiB = manifest.diskMiB
        missing = manifest.missing
        files = manifest.files.map {
            File(name: $0.name, format: $0.format, url: url($0.name), bytes: $0.bytes, sha256: $0.sha256)
        }
        self.images = images.sorted { ($0.region, $0.id) < ($1.region, $1.id) }
    }

    /// The date of the build in UTC: `2026-11-24`.
    package var day: String { built.formatted(.iso8601.year().month().day()) }

    /// The URL of the checksums file.
    package var checksumsURL: String? {
        files.first { $0.sha256 != nil }.map { Self.url(of: Manifest.checksumsFileName, beside: $0) }
    }

    /// The URL of the start instructions, which every build with images has.
    package var startURL: String? { files.first.map { Self.url(of: StartInstructions.fileName, beside: $0) } }

    /// The URL of a file in the same directory as another file.
    private static func url(of name: String, beside file: File) -> String {
        file.url.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/\(name)"
    }

    func file(_ formats: ImageFormat...) -> File? {
        formats.lazy.compactMap { format in files.first { $0.format == format } }.first
    }
}

/// Instructions for starting a release on each platform, with the names of its files, for release notes and download
/// page.
struct StartGuide {
    enum Step: Equatable {
        case text(String)
        /// A command to copy into a shell.
        case command(String)
    }

    struct Place: Equatable {
        var title: String
        var steps: [Step]
    }

    var places: [Place] = []

    init(_ release: PublishedRelease) {
        let ports = "ports 22 and \(release.jupyterPort)"
        if let file = release.file(.ova) {
            let text = "File → Import Appliance, choose \(file.name), and start it."
            add("VirtualBox", .text(text), .text(Self.forwarding(release)))
            add("VMware", .text("File → Open, choose \(file.name), and start it."))
        } else if let file = release.file(.vmdkSparse, .vhd, .vmdk) {
            let disk = Self.writable(file)
            let text = "Create a machine of type \(release.system) (64-bit) with 4096 MB of memory and \(disk) as "
            add("VirtualBox", .text(text + "its SATA disk, and start it."), .text(Self.forwarding(release)))
        }
        if let file = release.file(.vmdkSparse, .vmdk), release.file(.ova) == nil {
            let text =
                "Create a machine with 4096 MB of memory and \(Self.writable(file)) as its existing SATA disk, "
                + "and start it."
            add("VMware", .text(text))
        }
        if let file = release.file(.vhd) {
            let new = "New-VM -Name sandbox -Generation 1 -MemoryStartupBytes 4GB -VHDPath \(Self.quoted(file.name))"
            add("Hyper-V", .text("In PowerShell as administrator:"), .command("\(new); Start-VM sandbox"))
        } else if let file = release.file(.vhdx) {
            let new = "New-VM -Name sandbox -Generation 2 -MemoryStartupBytes 4GB -VHDPath \(Self.quoted(file.name))"
            let secureBoot = "Set-VMFirmware sandbox -EnableSecureBoot Off"
            add(
                "Hyper-V", .text("In PowerShell as administrator:"),
                .command("\(new); \(secureBoot); Start-VM sandbox"))
        }
        if let file = release.file(.vhdFixed) {
            let text =
                "Upload \(file.name) to a page blob, make a disk of it, and attach the disk to a machine, as described in "
            add("Azure", .text(text + "\(StartInstructions.fileName)."))
        }
        if let file = release.file(.gcp) {
            let create = "gcloud compute images create sandbox --source-uri gs://BUCKET/\(Self.quoted(file.name))"
            add("Google Cloud", .text("Upload \(file.name) to a bucket of yours."), .command(create))
        }
        if let file = release.file(.qcow2, .raw, .vhd, .vmdk) {
            let port = release.jupyterPort
            let program = release.architecture == .arm64 ? "qemu-system-aarch64 -M virt" : "qemu-system-x86_64"
            // QEMU reads a streamOptimized VMDK, but cannot write to it.
            let disk = file.format == .vmdk ? "sandbox.qcow2" : file.name
            let format = file.format == .vmdk ? "qcow2" : file.format == .vhd ? "vpc" : file.format.rawValue
            let conversion = Step.command("qemu-img convert -O qcow2 \(Self.quoted(file.name)) \(disk)")
            let steps: [Step] = [
                .command(
                    // With QEMU's default processor, numpy ends with an illegal instruction.
                    "\(program) -accel kvm -accel tcg -cpu max -smp 2 -m 4096 "
                        + "-nic user,hostfwd=tcp::\(port)-:\(port),hostfwd=tcp::2222-:22 "
                        + "-drive file=\(Self.quoted(disk)),format=\(format)"),
                .command("ssh -p 2222 \(release.user)@localhost"),
            ]
            places.append(Place(title: "QEMU", steps: (file.format == .vmdk ? [conversion] : []) + steps))
        }
        if let image = release.images.first {
            let type = release.architecture == .arm64 ? "t4g.medium" : "t3.medium"
            add(
                "AWS",
                .text("In the region of the AMI, with your key pair and a security group that allows \(ports):"),
                .command(
                    "aws ec2 run-instances --region \(image.region) --image-id \(image.id) --instance-type \(type) "
                        + "--key-name KEY --security-group-ids GROUP"))
        }
    }

    /// The instructions that apply to all platforms.
    static func first(_ release: PublishedRelease) -> String {
        "Log in as \(release.user) with the default password; the first login asks for a new one. JupyterLab listens "
            + "on port \(release.jupyterPort), and the message of the day shows its URL."
    }

    private mutating func add(_ title: String, _ steps: Step...) {
        places.append(Place(title: title, steps: steps))
    }

    /// The disk of a new machine. A machine cannot write to a VMDK that is compressed for the download.
    private static func writable(_ file: PublishedRelease.File) -> String {
        file.format == .vmdk ? "\(file.name), converted as described in \(StartInstructions.fileName)," : file.name
    }

    private static func forwarding(_ release: PublishedRelease) -> String {
        "If the network type is NAT, forward port \(release.jupyterPort) in Settings → Network → Port Forwarding."
    }

    /// Quotes a file name for both PowerShell and POSIX shells; the file names of this tool contain no quotes.
    private static func quoted(_ name: String) -> String {
        name.allSatisfy { $0.isLetter || $0.isNumber || "._-".contains($0) } ? name : "'\(name.filter { $0 != "'" })'"
    }
}
