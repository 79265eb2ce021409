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
