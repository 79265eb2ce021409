import AWSCore
import AWSServices
import Sandbox

/// Gives an object another key. S3 copies it by itself, and no byte of it comes here.
struct ObjectRename: Sendable {
    let workspace: AWSWorkspace
    let bucket: ImageBucket
    let plan: RenamePlan

    /// - Parameters:
    ///   - metadata: of the object under its new name.
    ///   - progress: told the bytes that are copied.
    /// - Returns: the object under its new name. The old one is gone then.
    /// - Throws: `Failure` where the copy is not what it was copied from; it is removed then, and the source stays.
    func run(
        from source: String, to target: String, metadata: [String: String], progress: (_ done: Int, _ all: Int) -> Void
    ) async throws -> S3.HeadObject.Output {
        guard let old = try await bucket.head(source, workspace.client) else {
            throw await bucket.loss(of: source, in: workspace)
        }
        let copy = Copy(source: source, old: old, target: target, metadata: metadata)
        progress(0, old.contentLength)
        let sum =
            old.contentLength <= plan.singleCopyLimit
            ? try await copyAtOnce(copy) : try await copyInParts(copy) { progress($0, old.contentLength) }
        progress(old.contentLength, old.contentLength)
        let new = try await verified(copy, sum)
        _ = try await workspace.client.call(S3.DeleteObject(bucket: bucket.name, key: source))
        return new
    }

    private struct Copy: Sendable {
        var source: String
        var old: S3.HeadObject.Output
        var target: String
        var metadata: [String: String]
    }

    /// - Returns: SHA-256 that S3 has made of it, in Base64.
    private func copyAtOnce(_ copy: Copy) async throws -> String? {
        var call = S3.CopyObject(
            from: S3.CopySource(bucket: bucket.name, key: copy.source), bucket: bucket.name, key: copy.target,
            copySourceIfMatch: copy.old.eTag)
        call.checksumAlgorithm = "SHA256"
        call.cacheControl = ExportedObject.cacheControl
        call.contentType = ExportedObject.contentType
        call.metadata = copy.metadata
        call.metadataDirective = "REPLACE"
        return try await workspace.client.call(call).checksumSHA256
    }

    /// - Returns: CRC-64/NVME of the whole, in Base64.
    private func copyInParts(_ copy: Copy, _ progress: (Int) -> Void) async throws -> String? {
        var create = S3.CreateMultipartUpload(
            bucket: bucket.name, key: copy.target, contentType: ExportedObject.contentType,
            checksumAlgorithm: "CRC64NVME", checksumType: "FULL_OBJECT")
        create.cacheControl = ExportedObject.cacheControl
        create.metadata = copy.metadata
        let upload = try await workspace.client.call(create).uploadId
        do {
            let parts = try await copyParts(copy, upload, progress)
            var complete = S3.CompleteMultipartUpload(
                bucket: bucket.name, key: copy.target, uploadId: upload, parts: parts)
            complete.checksumType = "FULL_OBJECT"
            complete.checksumCRC64NVME = copy.old.checksumCRC64NVME
            complete.mpuObjectSize = copy.old.contentLength
            return try await workspace.client.call(complete).checksumCRC64NVME
        } catch {
            let abort = S3.AbortMultipartUpload(bucket: bucket.name, key: copy.target, uploadId: upload)
            _ = try? await Task { try await workspace.client.call(abort) }.value
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
        let copied = try await workspace.client.call(
            S3.UploadPartCopy(
                from: S3.CopySource(bucket: bucket.name, key: copy.source), range: part.range, bucket: bucket.name,
                key: copy.target, partNumber: part.number, uploadId: upload, copySourceIfMatch: copy.old.eTag))
        let done = S3.CompletedPart(
            partNumber: part.number, eTag: copied.eTag, checksumCRC64NVME: copied.checksumCRC64NVME)
        return (done, part.range.count)
    }

    /// Holds the copy against its source: by size, by the sum that S3 has made while copying, and by that of the source
    /// where it is of the same kind.
    private func verified(_ copy: Copy, _ sum: String?) async throws -> S3.HeadObject.Output {
        guard let new = try await bucket.head(copy.target, workspace.client) else {
            throw await bucket.loss(of: copy.target, in: workspace)
        }
        let sums = [new.checksumSHA256, new.checksumCRC64NVME].compactMap { $0 }
        let isSame =
            new.contentLength == copy.old.contentLength && sum.map(sums.contains) ?? true
            && isEqual(new.checksumCRC64NVME, copy.old.checksumCRC64NVME)
        guard isSame else {
            _ = try await workspace.client.call(S3.DeleteObject(bucket: bucket.name, key: copy.target))
            throw Failure(
                .failed, "S3 has made a copy of s3://\(bucket.name)/\(copy.source) that is not what it was made of",
                details: [
                    "source: \(copy.old.contentLength) bytes, copy: \(new.contentLength) bytes, "
                        + "with checksum \(sums.first ?? "none")"
                ],
                advice: "run the same command again: it copies once more")
        }
        return new
    }

    /// Where one of them is not known, nothing speaks against it.
    private func isEqual(_ one: String?, _ other: String?) -> Bool { one == nil || other == nil || one == other }
}

/// How an object is copied inside S3: at once, or in parts.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
package struct RenamePlan: Sendable, Equatable {
    /// Bytes; above that, S3 refuses to copy at once.
    package var singleCopyLimit: Int
    /// Bytes of each part but the last, 5 MiB to 5 GiB.
    package var partSize: Int
    /// Parts that are copied at the same time.
    package var parallel: Int

    package init(singleCopyLimit: Int = 5 << 30, partSize: Int = 512 << 20, parallel: Int = 8) {
        self.singleCopyLimit = singleCopyLimit
        self.partSize = partSize
        self.parallel = parallel
    }

    package struct Part: Sendable, Equatable {
        /// From 1.
        package var number: Int
        package var range: ClosedRange<Int>
    }

    /// The parts of an object, larger ones than planned where it would be more than the 10,000 that S3 takes.
    package func parts(of size: Int) -> [Part] {
        let mebibyte = 1 << 20
        let least = (size + 9_999) / 10_000
        let length = max(partSize, (least + mebibyte - 1) / mebibyte * mebibyte)
        return stride(from: 0, to: size, by: length).enumerated().map { index, start in
            Part(number: index + 1, range: start...min(start + length, size) - 1)
        }
    }
}
