import AWSCore
import AWSServices
import Sandbox

/// The bucket of VM images of a region, as its stack describes it.
package struct ImageBucket: Sendable, Equatable {
    package var name: String
    /// Name of the role that AWS assumes to write exports into it.
    package var exportRole: String?
    /// ID of the CloudFront distribution in front of it.
    package var distributionID: String?
    /// Domain name of the distribution, the only public access.
    package var domain: String

    package init(name: String, exportRole: String? = nil, distributionID: String? = nil, domain: String) {
        self.name = name
        self.exportRole = exportRole
        self.distributionID = distributionID
        self.domain = domain
    }

    /// What a caller needs of the bucket beyond reading and writing.
    package enum Use: Sendable {
        /// AWS writes into it with the export role.
        case export
        /// The public downloads through the distribution.
        case download
    }

    /// - Throws: `Failure` if the stack does not exist or is unusable, with the command that fixes it.
    package static func find(in client: AWSClient, for use: Use) async throws -> ImageBucket {
        typealias Output = PermanentStack.Output
        let needed = use == .export ? Output.exportRole : Output.distribution
        let outputs = try await Stacks(client, .silent).outputs(
            of: .vmBucket, [Output.bucket, needed, Output.domainName], orElse: "there is no bucket for images")
        var bucket = ImageBucket(name: outputs[Output.bucket] ?? "", domain: outputs[Output.domainName] ?? "")
        switch use {
        // Old stacks output the role's ARN, but ExportImage takes its name.
        case .export: bucket.exportRole = outputs[needed]?.split(separator: "/").last.map(String.init)
        case .download: bucket.distributionID = outputs[needed]
        }
        return bucket
    }

    /// Prefix of all public URLs, with a slash at the end.
    package var address: String { "https://\(domain)/" }

    /// The public URL of an object.
    package func url(of key: String) -> String { address + percentEncoded(key, keepsSlash: true) }
}

/// The bucket of VM images as an artifact store.
package struct S3ArtifactStore: ArtifactStore {
    package let client: AWSClient
    package let bucket: ImageBucket
    let plan: RenamePlan

    package init(_ client: AWSClient, _ bucket: ImageBucket, plan: RenamePlan = RenamePlan()) {
        self.client = client
        self.bucket = bucket
        self.plan = plan
    }

    package func address(of key: String) -> String { bucket.url(of: key) }

    package func list(_ prefix: String) async throws -> [StoredObject] {
        var found: [StoredObject] = []
        for try await object in client.items(of: S3.ListObjectsV2(bucket: bucket.name, prefix: prefix)) {
            found.append(StoredObject(key: object.key, bytes: Int64(object.size)))
        }
        return found
    }

    package func head(_ key: String) async throws -> StoredObject? {
        try await object(key).map {
            StoredObject(
                key: key, bytes: Int64($0.contentLength), sha256: $0.wholeSHA256, crc64: $0.checksumCRC64NVME)
        }
    }

    /// An object as S3 describes it, with its checksums; `nil` if it does not exist.
    package func object(_ key: String) async throws -> S3.HeadObject.Output? {
        do {
            return try await client.call(S3.HeadObject(bucket: bucket.name, key: key, checksumMode: "ENABLED"))
        } catch let error as AWSError where ["NotFound", "NoSuchKey"].contains(error.code) {
            return nil
        }
    }

    package func isMarked(_ key: String) async throws -> Bool {
        try await object(key).map(ExportedObject.isMarked) ?? false
    }

    package func read(_ key: String) async throws -> [UInt8]? {
        do { return try await client.call(S3.GetObject(bucket: bucket.name, key: key)).body } catch let error
            as AWSError where error.code == "NoSuchKey"
        {
            return nil
        }
    }

    package func write(_ text: String, to key: String, contentType: String) async throws {
        var put = S3.PutObject(bucket: bucket.name, key: key, body: Array(text.utf8), contentType: contentType)
        put.cacheControl = ExportedObject.cacheControl
        _ = try await client.call(put)
    }

    package func rename(_ source: String, to target: String) async throws {
        let metadata = try await object(source)?.metadata ?? [:]
        _ = try await ObjectRename(store: self).run(from: source, to: target, metadata: metadata) { _, _ in }
    }

    package func delete(_ keys: [String]) async throws {
        for key in keys { _ = try await client.call(S3.DeleteObject(bucket: bucket.name, key: key)) }
    }

    /// Explains an error in `body` that means that the bucket is gone.
    func explainingMissingBucket<Result>(_ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch let error as AWSError where error.code == "NoSuchBucket" {
            throw missingBucket()
        }
    }

    /// The reason why an object that should exist does not: S3 gives the same error if the whole bucket is gone.
    func reasonForMissing(_ key: String) async -> Failure {
        do { _ = try await client.call(S3.HeadBucket(bucket: bucket.name)) } catch let error as AWSError
            where error.status == 404
        {
            return missingBucket()
        } catch {}
        return Failure(
            .failed, "s3://\(bucket.name)/\(key) was removed by someone else during the export",
            advice: "run the same command again to export what is missing")
    }

    private func missingBucket() -> Failure {
        let stack = PermanentStack.vmBucket
        return Failure(
            .failed, "bucket \(bucket.name) of stack \(stack.name) in \(client.region) no longer exists",
            advice: "delete the rest of the stack, then create it again with 'dss \(stack.command)': "
                + StackCommands.remove(stack.name, in: client.region))
    }
}

/// An image file in the bucket. Its metadata name the AMI that it was exported from.
///
/// S3 shows an object only when it is complete. An object with the right AMI is therefore complete, even if the run that
/// wrote it was killed before it could record that anywhere else.
package enum ExportedObject {
    private static let imageKey = "dss-image"
    private static let digestKey = "dss-sha256"

    package static let contentType = "application/octet-stream"

    /// CloudFront asks S3 each time whether an image is still the same, and sends its own copy if it is: another build of
    /// the same asset id replaces the image and the checksums next to it.
    package static let cacheControl = "no-cache"

    /// - Parameter sha256: hexadecimal digest of the whole file if known; S3 itself keeps it only for objects that were
    ///   uploaded in one piece.
    package static func metadata(of image: CapturedImage, sha256: String? = nil) -> [String: String] {
        var metadata = [imageKey: image.id]
        metadata[digestKey] = sha256
        return metadata
    }

    /// Whether an object was exported from an AMI, whichever it was.
    static func isMarked(_ head: S3.HeadObject.Output) -> Bool { head.metadata[imageKey] != nil }

    /// - Returns: `nil` if the object was exported from another AMI.
    package static func file(
        _ head: S3.HeadObject.Output, named name: String, _ format: ImageFormat, of image: CapturedImage
    ) -> Manifest.File? {
        guard head.metadata[imageKey] == image.id else { return nil }
        return Manifest.File(
            name: name, format: format, bytes: Int64(head.contentLength),
            sha256: head.wholeSHA256 ?? head.metadata[digestKey], crc64: head.checksumCRC64NVME)
    }
}

extension S3.HeadObject.Output {
    /// Hexadecimal SHA-256 of the whole object if S3 has it: for an object uploaded in parts, S3 keeps a checksum of the
    /// parts' checksums instead.
    package var wholeSHA256: String? {
        guard checksumType != "COMPOSITE" else { return nil }
        return checksumSHA256.flatMap { SHA256Checksum(base64: $0) }?.hexadecimal
    }
}
