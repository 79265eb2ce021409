import AWSCore

/// Downloads an object of any size to a file, with constant memory use.
///
/// Every byte is verified against the checksum stored by S3: per part if S3 stores part checksums, otherwise for the
/// whole object. Pieces are written to a temporary file next to the destination, which is renamed once it is complete
/// and verified. A journal records the finished pieces, so that after a crash only the missing ones are fetched.
package struct FileDownload: Sendable {
    package var bucket: String
    package var key: String
    package var file: String
    package var plan: TransferPlan

    package init(_ bucket: String, _ key: String, to file: String, plan: TransferPlan = .init()) {
        self.bucket = bucket
        self.key = key
        self.file = file
        self.plan = plan
    }

    package struct Output: Sendable, Equatable {
        package var eTag: String
        /// Size in bytes.
        package var size: Int
        /// The checksum that the bytes were verified against; `nil` if S3 stores none for the object.
        package var checksum: String?
    }

    package func run(
        with client: AWSClient, progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws -> Output {
        let object = try await describe(client)
        let journal = try TransferJournal(beside: file, of: object.identity)
        let target = try TransferFile(journal.dataPath, size: object.size)
        let digests = try await fetch(object, into: target, journal, client, progress)
        do { try object.verify(digests, in: target, "s3://\(bucket)/\(key)") } catch {
            // The next run would keep pieces that match the journal, so the journal is removed to fetch all again.
            journal.remove()
            throw error
        }
        try journal.finish(target, as: file)
        return Output(eTag: object.eTag, size: object.size, checksum: object.checksum)
    }

    private func describe(_ client: AWSClient) async throws -> StoredObject {
        let whole = try await client.call(S3.HeadObject(bucket: bucket, key: key, checksumMode: "ENABLED"))
        guard whole.checksumType == "COMPOSITE", whole.checksumSHA256 != nil else {
            return StoredObject(whole, pieceSize: plan.pieceSize)
        }
        var head = S3.HeadObject(bucket: bucket, key: key)
        head.partNumber = 1
        head.ifMatch = whole.eTag
        let first = try await client.call(head)
        return StoredObject(whole, pieceSize: first.contentLength, parts: first.partsCount)
    }

    private func fetch(
        _ object: StoredObject, into target: TransferFile, _ journal: TransferJournal, _ client: AWSClient,
        _ progress: (TransferProgress) -> Void
    ) async throws -> [PieceDigest] {
        var state = TransferProgress(done: 0, total: object.size, resumed: 0)
        var digests: [Int: PieceDigest] = [:]
        for piece in object.pieces {
            guard let known = journal.known[piece.number] else { continue }
            let digest = object.digest(of: try target.read(piece))
            guard digest.text == known else { continue }
            digests[piece.number] = digest
            state.done += piece.length
        }
        state.resumed = state.done
        progress(state)
        try await inParallel(object.pieces.filter { digests[$0.number] == nil }, width: plan.parallel) { piece in
            (piece, try await fetch(piece, of: object, into: target, client))
        } each: { piece, digest in
            try journal.add(piece.number, digest.text)
            digests[piece.number] = digest
            state.done += piece.length
            progress(state)
        }
        return object.pieces.map { digests[$0.number]! }
    }

    private func fetch(
        _ piece: Piece, of object: StoredObject, into target: TransferFile, _ client: AWSClient
    ) async throws -> PieceDigest {
        try Task.checkCancellation()
        var get = S3.GetObject(bucket: bucket, key: key, ifMatch: object.eTag)
        if object.isInParts {
            get.partNumber = piece.number
        } else {
            get.range = piece.offset...(piece.offset + piece.length - 1)
        }
        let answer = try await client.call(get)
        let digest = object.digest(of: answer)
        let offset = answer.contentRange?.bytes.lowerBound ?? 0
        guard answer.body.count == piece.length, offset == piece.offset else {
            throw IntegrityError(
                object: "s3://\(bucket)/\(key)", message: "S3 returned the wrong range for piece \(piece.number)")
        }
        try target.write(answer.body, at: piece.offset)
        return digest
    }
}
