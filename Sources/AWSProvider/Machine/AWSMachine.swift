import FoundationEssentials
import Sandbox

/// A running EC2 instance that is reached by SSH.
package struct AWSMachine: BuildMachine {
    package let endpoint: SSHEndpoint
    package let instanceID: String
    /// Where it is reached.
    package let address: String
    /// When it powers itself off.
    package let expires: Date?
    /// Dollars an hour, estimated; `nil` where the price list does not know it.
    package let hourlyCost: Double?
    /// An earlier run has sealed it; nobody can log in any more.
    package let isSealed: Bool
    /// What an earlier run has found missing of the sandbox on it.
    package let missing: [MissingComponent]

    package let stepsDone = 0
    package let buildEnvironment: [String: String] = [:]

    /// The same after the seal.
    var sealed: AWSMachine {
        AWSMachine(
            endpoint: endpoint, instanceID: instanceID, address: address, expires: expires, hourlyCost: hourlyCost,
            isSealed: true, missing: missing)
    }

    package init(
        endpoint: SSHEndpoint, instanceID: String, address: String, expires: Date? = nil, hourlyCost: Double? = nil,
        isSealed: Bool = false, missing: [MissingComponent] = []
    ) {
        self.endpoint = endpoint
        self.instanceID = instanceID
        self.address = address
        self.expires = expires
        self.hourlyCost = hourlyCost
        self.isSealed = isSealed
        self.missing = missing
    }
}
