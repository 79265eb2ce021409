import FoundationEssentials

/// One API call: the value is the input, `Output` is what comes back. The type's name is the operation's.
package protocol Operation: Sendable {
    associatedtype Output: Sendable

    static var service: Service { get }
    /// What makes it safe to send this again when the answer was lost.
    static var repetition: Repetition<Self> { get }
    /// IAM actions that the caller needs; by default the one named like the operation.
    static var permissions: [String] { get }

    func encode(into request: inout HTTPRequest) throws
    /// Reads a successful answer.
    /// - Throws: `UnexpectedAnswer` where it is not the document that belongs to this operation.
    func decode(_ response: HTTPResponse) throws -> Output
    /// Reads the service's error out of any other answer.
    func decodeError(_ response: HTTPResponse) -> ServiceError
}

extension Operation {
    package static var name: String { "\(Self.self)" }
    package static var permissions: [String] { ["\(service.signingName):\(name)"] }
}

/// What makes it safe to send an operation again whose answer was lost: it may have taken effect already.
///
/// Whatever AWS refused before doing it (throttling, wrong clock, expired credentials) is always sent again.
package enum Repetition<O: Operation>: Sendable {
    /// Reading, or setting something to a given state: doing it twice is doing it once.
    case harmless
    /// AWS recognises the second by a client token, which is filled in where it is `nil`.
    case token(any WritableKeyPath<O, String?> & Sendable)
    /// Removing: when it is gone already, an earlier attempt did it.
    case removal(gone: Set<String>, O.Output)
    /// Before sending it again, and where AWS then says that it exists, it is looked up: by name, or by what this call
    /// can have made since it began, by AWS's clock as far as that is known.
    case lookup(taken: Set<String>, since: @Sendable (O, AWSClient, Date) async throws -> O.Output?)
    /// Nothing; the error says that it may have taken effect.
    case never
}

extension Repetition {
    /// Where a name, or what it is made of, tells that it is ours.
    package static func lookup(
        taken: Set<String>, _ find: @escaping @Sendable (O, AWSClient) async throws -> O.Output?
    ) -> Self {
        .lookup(taken: taken) { operation, client, _ in try await find(operation, client) }
    }
}

/// An operation whose answer comes in pages.
package protocol PagedOperation: Operation {
    associatedtype Item: Sendable

    /// Items of one page, in order.
    static func items(of page: Output) -> [Item]
    /// Makes this the operation that fetches the page after `page`.
    /// - Returns: false where that was the last page.
    /// - Throws: `UnexpectedAnswer` where the list does not go on.
    mutating func turn(after page: Output) throws -> Bool
}

/// The output of operations that answer with nothing of interest.
package struct NoOutput: Sendable, Codable, Equatable {
    package init() {}
}

/// An AWS service as its model describes it: how it is called, signed and reached.
package struct Service: Sendable, Hashable {
    /// AWS's `serviceId`: `Secrets Manager`. Names it in errors and in `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    package var id: String
    /// In the credential scope of signatures, and before the colon of IAM actions.
    package var signingName: String
    /// The first part of its host.
    package var endpointPrefix: String
    package var version: String
    /// Before the dot of `X-Amz-Target`, for JSON services.
    package var targetPrefix: String
    package var keys: KeyStyle
    /// Endpoints for all regions of a partition, by the beginning of its regions' names: empty, `cn-`, `us-gov-`.
    package var global: [String: Endpoint]
    /// Calls at the same time. AWS throttles by account; a tool that floods it slows everybody down.
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

    /// `SECRETS_MANAGER`, as in environment variables.
    package var variableName: String { id.uppercased().replacing(" ", with: "_") }
    /// `secrets_manager`, as in the configuration file.
    package var settingName: String { id.lowercased().replacing(" ", with: "_") }

    /// AWS's own endpoint.
    /// Source: endpoint rules of the service models; partitions <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
    package func endpoint(in region: String) -> Endpoint {
        let partition = ["cn-", "us-gov-"].first { region.hasPrefix($0) } ?? ""
        if let endpoint = global[partition] { return endpoint }
        let suffix = partition == "cn-" ? "amazonaws.com.cn" : "amazonaws.com"
        return Endpoint(host: "\(endpointPrefix).\(region).\(suffix)", signingRegion: region)
    }
}

/// How a service spells the names of its members where nothing else is said; ours begin in lower case.
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
