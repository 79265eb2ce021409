import FoundationEssentials

/// An API call: the value is the input, `Output` is the result. The type is named after the operation.
package protocol Operation: Sendable {
    associatedtype Output: Sendable

    static var service: Service { get }
    /// What makes it safe to retry the operation after its response was lost.
    static var retrySafety: RetrySafety<Self> { get }
    /// IAM actions that the caller needs; by default the one with the operation's name.
    static var permissions: [String] { get }

    func encode(into request: inout HTTPRequest) throws
    /// Decodes a successful response.
    /// - Throws: `UnexpectedResponse` if it is not the document that this operation returns.
    func decode(_ response: HTTPResponse) throws -> Output
    /// Decodes the service's error from any other response.
    func decodeError(_ response: HTTPResponse) -> ServiceError
}

extension Operation {
    package static var name: String { "\(Self.self)" }
    package static var permissions: [String] { ["\(service.signingName):\(name)"] }
}

/// What makes it safe to retry an operation whose response was lost, although it may have taken effect already.
///
/// Requests that AWS rejects without performing them (throttling, wrong clock, expired credentials) are always retried.
package enum RetrySafety<O: Operation>: Sendable {
    /// The operation is idempotent: it reads, or sets something to a given state.
    case harmless
    /// AWS recognizes a repeated request by a client token, which is filled in if it is `nil`.
    case token(any WritableKeyPath<O, String?> & Sendable)
    /// The operation removes something: if it is gone, an earlier attempt removed it.
    case removal(gone: Set<String>, O.Output)
    /// The resource is looked up before each retry, and when AWS reports that it exists: by name, or among what was
    /// created since the call started, by AWS's clock as far as its offset is known.
    case lookup(taken: Set<String>, since: @Sendable (O, AWSClient, Date) async throws -> O.Output?)
    /// The operation is not safe to retry; the error says that it may have taken effect.
    case never
}

extension RetrySafety {
    /// A lookup for resources whose name or contents identify them as ours, whatever their creation time.
    package static func lookup(
        taken: Set<String>, _ find: @escaping @Sendable (O, AWSClient) async throws -> O.Output?
    ) -> Self {
        .lookup(taken: taken) { operation, client, _ in try await find(operation, client) }
    }
}

/// An operation that returns its results in pages.
package protocol PagedOperation: Operation {
    associatedtype Item: Sendable

    /// The items of one page, in order.
    static func items(of page: Output) -> [Item]
    /// Turns this into the operation that fetches the page after `page`.
    /// - Returns: false if `page` was the last one.
    /// - Throws: `UnexpectedResponse` if pagination does not advance.
    mutating func turn(after page: Output) throws -> Bool
}

/// The output of operations whose response holds nothing of interest.
package struct NoOutput: Sendable, Codable, Equatable {
    package init() {}
}

/// An AWS service as described by its model: its name, signing name and endpoints.
package struct Service: Sendable, Hashable {
    /// AWS's `serviceId`, such as `Secrets Manager`. Used in errors and, as `AWS_ENDPOINT_URL_SECRETS_MANAGER`, in
    /// environment variables.
    package var id: String
    /// The name in the credential scope of signatures, and the prefix of IAM actions.
    package var signingName: String
    /// The first label of the host name.
    package var endpointPrefix: String
    package var version: String
    /// The part of `X-Amz-Target` before the dot, for JSON services.
    package var targetPrefix: String
    package var keys: KeyStyle
    /// Global endpoint of each partition, by the prefix of its region names: empty, `cn-`, `us-gov-`.
    package var global: [String: Endpoint]
    /// Maximum number of concurrent calls. AWS throttles per account, so a flood of calls slows down all its users.
    package var concurrency: Int

    package init(
        id: String, signingName: String, endpointPrefix: String? = nil, version: String, targetPrefix: String = "",
        keys: KeyStyle = .pascal, global: [String: Endpoint] = [:], concurrency: Int = 8
    ) {
        self.id = id
        self.signingName = signingName
        self.endpointPrefix = endpointPrefix ?? signingName
        self.version = version
        self.targetPrefix = targetPrefix
        self.keys = keys
        self.global = global
        self.concurrency = concurrency
    }

    /// Name in environment variables: `SERVICE_QUOTAS`.
    package var variableName: String { id.uppercased().replacing(" ", with: "_") }

    /// The AWS endpoint of the service in a region.
    /// Source: endpoint rules of the service models; partitions <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
    package func endpoint(in region: String) -> Endpoint {
        let partition = ["cn-", "us-gov-"].first { region.hasPrefix($0) } ?? ""
        if let endpoint = global[partition] { return endpoint }
        let suffix = partition == "cn-" ? "amazonaws.com.cn" : "amazonaws.com"
        return Endpoint(host: "\(endpointPrefix).\(region).\(suffix)", signingRegion: region)
    }
}

/// How a service capitalizes member names by default; the Swift names start in lower case.
package enum KeyStyle: Sendable {
    /// `StackName`
    case pascal
    /// `projectName`
    case camel

    package func key(_ name: String) -> String {
        guard self == .pascal, let first = name.utf8.first, first >= UInt8(ascii: "a"), first <= UInt8(ascii: "z")
        else { return name }
        return name.prefix(1).uppercased() + name.dropFirst()
    }
}
