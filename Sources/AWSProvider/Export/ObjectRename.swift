import AWSCore
import AWSServices
import Sandbox

/// Moves an object to another key. S3 copies it; no byte passes through this host.
struct ObjectRename: Sendable {
    let store: S3ArtifactStore
    private var client: AWSClient { store.client }
    private var bucket: ImageBucket { store.bucket }
    private var plan: RenamePlan { store.plan }

    /// - Parameters:
    ///   - metadata: the metadata of the object under its new key.
    ///   - progress: receives the number of bytes copied.
    /// - Returns: the object under its new key, after the old one was deleted.
    /// - Throws: `Failure` if the copy differs from its source; the copy is then deleted and the source stays.
    func run(
        from source: String, to target: String, metadata: [String: String], progress: (_ done: Int, _ all: Int) -> Void
    ) async throws -> S3.HeadObject.Output {
        guard let old = try await store.object(source) else {
            throw await store.reasonForMissing(source)
        }
        let copy = Copy(source: source, old: old, target: target, metadata: metadata)
        progress(0, old.contentLength)
        let sum =
            old.contentLength <= plan.singleCopyLimit
            ? try await copyAtOnce(copy) : try await copyInParts(copy) { progress($0, old.contentLength) }
        progress(old.contentLength, old.contentLength)
        let new = try await verified(copy, sum)
        _ = try await client.call(S3.DeleteObject(bucket: bucket.name, key: source))
        return new
    }

    private struct Copy: Sendable {
        var source: String
        var old: S3.HeadObject.Output
        var target: String
        var metadata: [String: String]
    }

    /// - Returns: the SHA-256 that S3 computed, in Base64.
    private func copyAtOnce(_ copy: Copy) async throws -> String? {
        var call = S3.CopyObject(
            from: S3.CopySource(bucket: bucket.name, key: copy.source), bucket: bucket.name, key: copy.target,
            copySourceIfMatch: copy.old.eTag)
        call.checksumAlgorithm = "SHA256"
        call.cacheControl = ExportedObject.cacheControl
        call.contentType = ExportedObject.contentType
        call.metadata = copy.metadata
        call.metadataDirective = "REPLACE"
        return try await client.call(call).checksumSHA256
    }

    /// - Returns: the CRC-64/NVME of the whole object, in Base64.
    private func copyInParts(_ copy: Copy, _ progress: (Int) -> Void) async throws -> String? {
        var create = S3.CreateMultipartUpload(
            bucket: bucket.name, key: copy.target, contentType: ExportedObject.contentType,
            checksumAlgorithm: "CRC64NVME", checksumType: "FULL_OBJECT")
        create.cacheControl = ExportedObject.cacheControl
        create.metadata = copy.metadata
        let upload = try await client.call(create).uploadId
        do {
            let parts = try await copyParts(copy, upload, progress)
            var complete = S3.CompleteMultipartUpload(
                bucket: bucket.name, key: copy.target, uploadId: upload, parts: parts)
            complete.checksumType = "FULL_OBJECT"
            complete.checksumCRC64NVME = copy.old.checksumCRC64NVME
            complete.mpuObjectSize = copy.old.contentLength
            return try await client.call(complete).checksumCRC64NVME
        } catch {
            let abort = S3.AbortMultipartUpload(bucket: bucket.name, key: copy.target, uploadId: upload)
            _ = try? await Task { try await client.call(abort) }.value
            throw error
        }
    }

    private func copyParts(
        _ copy: Copy, _ upload: String, _ progress: (Int) -> Void
    ) async throws -> [S3.CompletedPart] {
        var done: [S3.CompletedPart] = []
        var bytes = 0
        try await inParallel(plan.parts(of: copy.old.contentLength), width: plan.parallel) {
            try await self.copy($0, of: copy, upload)
        } each: { part, length in
            done.append(part)
            bytes += length
            progress(bytes)
        }
        return done.sorted { $0.partNumber < $1.partNumber }
    }

    private func copy(
        _ part: RenamePlan.Part, of copy: Copy, _ upload: String
    ) async throws -> (S3.CompletedPart, Int) {
        let copied = try await client.call(
            S3.UploadPartCopy(
                from: S3.CopySource(bucket: bucket.name, key: copy.source), range: part.range, bucket: bucket.name,
                key: copy.target, partNumber: part.number, uploadId: upload, copySourceIfMatch: copy.old.eTag))
        let done = S3.CompletedPart(
            partNumber: part.number, eTag: copied.eTag, checksumCRC64NVME: copied.checksumCRC64NVME)
        return (done, part.range.count)
    }

    /// Compares the copy with its source: the size, the checksum that S3 computed while copying, and the checksum of the
    /// source if it is of the same kind.
    private func verified(_ copy: Copy, _ sum: String?) async throws -> S3.HeadObject.Output {
        guard let new = try await store.object(copy.target) else {
            throw await store.reasonForMissing(copy.target)
        }
        let sums = [new.checksumSHA256, new.checksumCRC64NVME].compactMap { $0 }
        let isSame =
            new.contentLength == copy.old.contentLength && sum.map(sums.contains) ?? true
            && isEqual(new.checksumCRC64NVME, copy.old.checksumCRC64NVME)
        guard isSame else {
            _ = try await client.call(S3.DeleteObject(bucket: bucket.name, key: copy.target))
            throw Failure(
                .failed, "the copy of s3://\(bucket.name)/\(copy.source) that S3 made differs from its source",
                details: [
                    "source: \(copy.old.contentLength) bytes, copy: \(new.contentLength) bytes, "
                        + "with checksum \(sums.first ?? "none")"
                ],
                advice: "run the same command again to copy it again")
        }
        return new
    }

    /// An unknown checksum is no reason to reject the copy.
    private func isEqual(_ one: String?, _ other: String?) -> Bool { one == nil || other == nil || one == other }
}

/// How an object is copied inside S3: in one call, or in parts.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
package struct RenamePlan: Sendable, Equatable {
    /// In bytes; S3 refuses to copy larger objects in one call.
    package var singleCopyLimit: Int
    /// In bytes, for each part but the last; 5 MiB to 5 GiB.
    package var partSize: Int
    /// Number of parts that are copied in parallel.
    package var parallel: Int

    package init(singleCopyLimit: Int = 5 << 30, partSize: Int = 512 << 20, parallel: Int = 8) {
        self.singleCopyLimit = singleCopyLimit
        self.partSize = partSize
        self.parallel = parallel
    }

    package struct Part: Sendable, Equatable {
        /// Starts at 1.
        package var number: Int
        package var range: ClosedRange<Int>
    }

    /// The parts of an object; larger than planned if there would be more than the 10,000 that S3 allows.
    package func parts(of size: Int) -> [Part] {
        let mebibyte = 1 << 20
        let least = (size + 9_999) / 10_000
        let length = max(partSize, (least + mebibyte - 1) / mebibyte * mebibyte)
        return stride(from: 0, to: size, by: length).enumerated().map { index, start in
            Part(number: index + 1, range: start...min(start + length, size) - 1)
        }
    }
}
