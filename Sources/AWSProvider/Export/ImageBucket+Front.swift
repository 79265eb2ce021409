import AWSCore

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
