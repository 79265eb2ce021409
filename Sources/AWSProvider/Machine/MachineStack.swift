import AWSServices
import FoundationEssentials
import Sandbox

/// The stack of a build machine: its parameters, its tags, and what they tell a later run.
struct MachineStack: Sendable, Equatable {
    enum Name {
        static let userData = "UserData"
        static let instanceID = "InstanceId"
    }

    static let template = String(decoding: PackageResources.build_machine_yaml, as: UTF8.self)
    /// The template has so many parameters for networks of either version.
    static let mostNetworks = 4

    /// Without the user data, which AWS does not show again.
    let parameters: [String: String]
    let tags: [String: String]

    /// - Throws: `Failure` where there are too many networks.
    init(_ order: MachineOrder, networks: [IPNetwork], keyName: String, tags: [EC2.Tag]) throws {
        var parameters = [
            "ImageId": order.source.id, "InstanceType": order.instanceType,
            "RootDeviceName": order.source.rootDeviceName,
            "VolumeSize": "\(max(order.volumeGiB, order.source.rootGiB))", "KeyName": keyName,
        ]
        for (version, name) in [(IPNetwork.Version.v4, "SSHIPv4Network"), (.v6, "SSHIPv6Network")] {
            let texts = networks.filter { $0.version == version }.map(\.text)
            guard texts.count <= Self.mostNetworks else {
                throw Failure(
                    .usage, "SSH can be let in from at most \(Self.mostNetworks) networks of IP\(version)",
                    advice: "give fewer --ssh-cidr, or larger networks")
            }
            for index in 0..<Self.mostNetworks {
                parameters["\(name)\(index + 1)"] = texts.indices.contains(index) ? texts[index] : ""
            }
        }
        self.parameters = parameters
        var values = Dictionary(tags.map { ($0.key, $0.value) }) { first, _ in first }
        if !order.inputs.isEmpty { values[ImageFacts.Key.inputs] = order.inputs }
        self.tags = values
    }

    func order(named name: String, userData: String) -> StackOrder {
        let parameters = parameters.merging([Name.userData: Data(userData.utf8).base64EncodedString()]) { $1 }
        return StackOrder(
            name: name, template: Self.template, parameterNames: parameters.keys.sorted(), parameters: parameters,
            tags: tags, isProtected: false)
    }

    /// Whether a stack would come out the same but for its host key and its time.
    func isSame(as stack: CloudFormation.Stack) -> Bool {
        stack.parameterValues.filter { $0.key != Name.userData } == parameters && hasSameInputs(as: stack)
    }

    func hasSameInputs(as stack: CloudFormation.Stack) -> Bool {
        stack.tag(ImageFacts.Key.inputs) == tags[ImageFacts.Key.inputs]
    }
}

extension CloudFormation.Stack {
    func tag(_ key: String) -> String? { tags.first { $0.key == key }?.value }

    /// When its machine powers itself off.
    var expires: Date? { tag(AssetRules.expiryTag).flatMap { try? Date($0, strategy: .iso8601) } }
}
