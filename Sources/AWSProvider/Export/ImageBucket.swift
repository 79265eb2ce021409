import AWSCore
import AWSServices
import Sandbox

/// The bucket of VM images, as its stack tells it.
package struct ImageBucket: Sendable, Equatable {
    package var name: String
    /// The role with which AWS itself writes exports into it: its name.
    package var exportRole: String
    /// CloudFront's name for it, the only way in for the public.
    package var domain: String

    package init(name: String, exportRole: String, domain: String) {
        self.name = name
        self.exportRole = exportRole
        self.domain = domain
    }

    /// The bucket of the region of a build.
    /// - Throws: `Failure` where its stack is not there or not in order, with the command that mends it.
    package static func find(in workspace: AWSWorkspace) async throws -> ImageBucket {
        typealias Output = PermanentStack.Output
        let outputs = try await Stacks(workspace.client, .silent).outputs(
            of: .vmBucket, [Output.bucket, Output.exportRole, Output.domainName],
            orElse: "there is no bucket for images")
        let role = outputs[Output.exportRole] ?? ""
        return ImageBucket(
            name: outputs[Output.bucket] ?? "",
            // Stacks of earlier days tell the role's ARN, ExportImage takes the name alone.
            exportRole: role.split(separator: "/").last.map(String.init) ?? role,
            domain: outputs[Output.domainName] ?? "")
    }

    /// Where the public downloads an object.
    package func url(of key: String) -> String {
        AssetBucket(name: name, prefix: "", region: "", domain: domain).url(of: key)
    }
}

extension ImageBucket {
    /// What its stack tells, for whoever publishes or downloads and builds nothing.
    package struct Front: Sendable, Equatable {
        package var bucket: String
        /// CloudFront's id of the distribution before it.
        package var distributionID: String
        /// CloudFront's name for it.
        package var domain: String

        /// Put before keys, with a slash at the end.
        package var address: String { "https://\(domain)/" }
    }

    /// - Throws: `Failure` where the stack is not there or not in order, with the command that mends it.
    package static func front(in client: AWSClient) async throws -> Front {
        typealias Output = PermanentStack.Output
        let outputs = try await Stacks(client, .silent).outputs(
            of: .vmBucket, [Output.bucket, Output.distribution, Output.domainName],
            orElse: "there is no bucket for images")
        return Front(
            bucket: outputs[Output.bucket] ?? "", distributionID: outputs[Output.distribution] ?? "",
            domain: outputs[Output.domainName] ?? "")
    }
}

/// An image file in the bucket, whose metadata tell which AMI it was made of.
///
/// S3 shows an object only when all of it is there, so that one with the right AMI is whole, also where the run that
/// made it was killed before it could say so anywhere else.
package enum ExportedObject {
    private static let imageKey = "dss-image"
    private static let digestKey = "dss-sha256"

    package static let contentType = "application/octet-stream"

    /// CloudFront asks S3 each time whether an image is still the same, and sends its own copy where it is: another
    /// build of the same asset id replaces the image, and the checksums beside it.
    package static let cacheControl = "no-cache"

    /// - Parameter sha256: of the whole file, hexadecimal, where it is known; S3 itself keeps it only of objects that
    ///   came in one piece.
    package static func metadata(of image: CapturedImage, sha256: String? = nil) -> [String: String] {
        var metadata = [imageKey: image.id]
        metadata[digestKey] = sha256
        return metadata
    }

    /// - Returns: `nil` where the object was made of something else.
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
    /// Hexadecimal SHA-256 of the whole object, where S3 has that: of one made of parts it has one of the parts' sums.
    package var wholeSHA256: String? {
        guard checksumType != "COMPOSITE" else { return nil }
        return checksumSHA256.flatMap { SHA256Checksum(base64: $0) }?.hexadecimal
    }
}

extension ImageBucket {
    /// An object with its checksums; `nil` where it is not there.
    package func head(_ key: String, _ client: AWSClient) async throws -> S3.HeadObject.Output? {
        do {
            return try await client.call(S3.HeadObject(bucket: name, key: key, checksumMode: "ENABLED"))
        } catch let error as AWSError where ["NotFound", "NoSuchKey"].contains(error.code) {
            return nil
        }
    }

    /// Says so where what fails in `body` is that the bucket is gone.
    func orGone<Result>(_ workspace: AWSWorkspace, _ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch let error as AWSError where error.code == "NoSuchBucket" {
            throw gone(in: workspace)
        }
    }

    /// Why an object is not there that should be: S3 answers the same where the whole bucket is gone.
    func loss(of key: String, in workspace: AWSWorkspace) async -> Failure {
        do { _ = try await workspace.client.call(S3.HeadBucket(bucket: name)) } catch let error as AWSError
            where error.status == 404
        {
            return gone(in: workspace)
        } catch {}
        return Failure(
            .failed, "s3://\(name)/\(key) was removed by somebody else meanwhile",
            advice: "run the same command again: it exports once more what is not there")
    }

    private func gone(in workspace: AWSWorkspace) -> Failure {
        let stack = PermanentStack.vmBucket
        return Failure(
            .failed, "the bucket \(name) of stack \(stack.name) in \(workspace.region) is gone",
            advice: "remove what is left of the stack, then dss \(stack.command) makes it anew: "
                + StackCommands.remove(stack.name, in: workspace.region))
    }
}
