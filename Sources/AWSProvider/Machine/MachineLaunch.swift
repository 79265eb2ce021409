import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Workbench

/// The stack of the machine, and how it and all that goes with it is removed.
extension Machines {
    static let removal = "removing the stack"

    /// The undo of all that a launch makes, safe where there is nothing. Somebody else's is never touched.
    /// - Parameter makesKey: whether a key pair is made for it.
    func register(makesKey: Bool, _ claim: MachineClaim, _ undo: Undo, _ events: @escaping EventSink) async {
        await undo.register("the directory \(directory.path)", remedy: "rm -r \(directory.path)", isKeepable: true) {
            defer { claim.giveBack() }
            try await removeDirectory()
        }
        if makesKey {
            await undo.register("key pair \(site.stackName)", remedy: site.remedy, isKeepable: true) {
                try await removeKeyPair()
            }
        }
        await undo.register("stack \(site.stackName)", remedy: site.remedy, isKeepable: true) {
            try await removeStack(events)
        }
    }

    /// Begins to remove all of it and does not wait. The undo that is registered for it waits; it runs even where the
    /// machine was to be kept. Where AWS refuses, that undo tries again and tells.
    package func beginRemoval(undo: Undo, events: @escaping EventSink) async {
        events(.activityStarted(Self.removal))
        await orderRemoval(events)
        // No child of this task: it goes on where the build is cancelled, and its end is noted when it comes, not when
        // somebody asks.
        let removal = Task {
            defer { events(.activityFinished(Self.removal)) }
            try await remove(events: events)
        }
        await undo.register("stack \(site.stackName) and its key pair", remedy: site.remedy) {
            do { try await removal.value } catch { try await remove(events: events) }
        }
    }

    func orderRemoval(_ events: @escaping EventSink) async {
        guard let stack = try? await stacks(events).stack(site.stackName), isOurs(stack) else { return }
        _ = try? await site.client.call(CloudFormation.DeleteStack(stackName: stack.stackId ?? site.stackName))
    }

    /// Removes machine, stack, key pair and what is kept here, and waits until they are gone.
    package func remove(events: @escaping EventSink) async throws {
        if let stack = try await stacks(events, .cleanUp).stack(site.stackName), isOurs(stack) {
            try await stacks(events, .cleanUp).remove(stack)
        }
        try await removeKeyPair()
        try await removeDirectory()
    }

    private func removeStack(_ events: @escaping EventSink) async throws {
        let stacks = stacks(events, .cleanUp)
        guard let stack = try await stacks.stack(site.stackName), isOurs(stack) else { return }
        try await activity(Self.removal, events) { try await stacks.remove(stack) }
    }

    private func removeDirectory() async throws {
        if let socket = directory.controlPath, fileExists(socket) {
            // The shared connection would live on for a minute.
            _ = try? await runner.execute(Command("ssh", ["-F", "none", "-S", socket, "-O", "exit", alias]))
        }
        try directory.remove()
    }

    // Making it

    func deploy(_ order: StackOrder, _ events: @escaping EventSink) async throws -> Deployment {
        try await activity("stack", events) {
            do { return try await stacks(events).deploy(order) } catch let left as LeftBehind {
                // The undo of the stack removes it, whatever its status.
                throw left.cause
            } catch var failure as Failure where failure.details.contains(where: { $0.contains("default VPC") }) {
                // AWS tells it in words only.
                failure.advice = "aws ec2 create-default-vpc --region \(site.region)"
                throw failure
            }
        }
    }

    func stackID() async throws -> String? { try await stacks { _ in }.stack(site.stackName)?.stackId }

    func stacks(_ events: @escaping EventSink, _ stage: Stage = .setup) -> Stacks {
        let talk = StackTalk(
            approve: { _ in true }, approveRemoval: { _ in true },
            tell: { events(.progress(stage, Progress($0.sentence))) })
        return Stacks(site.client, talk, pace: site.pace)
    }

    /// A stack that was never executed may have no tags yet; there is nothing in it.
    func isOurs(_ stack: CloudFormation.Stack) -> Bool {
        guard let owner = stack.tag(site.names.tagKey) else {
            return StackState(status: stack.stackStatus) == .draft
        }
        return owner == site.assetID.rawValue
    }
}

extension StackNews {
    var sentence: String {
        switch self {
        case .step(let text): text
        case .event(let resource, _, let status, _): "\(resource) \(status)"
        }
    }
}

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

/// What cloud-init does at the first boot of a build machine: the login user, the host key, the end of its time.
struct UserData: Sendable {
    let user: String
    let hostKey: HostKey
    let expires: Date

    /// The timer's name on the machine. It lives in `/run` alone, so that it cannot get into an image.
    static let timer = "dss-expiry"

    /// At most 3 KiB, since a parameter of a stack holds 4,096 bytes of base64.
    ///
    /// The default user is renamed by `user`: `system_info` cannot be overridden by user data. With `ssh_keys` no other
    /// host key is generated. The timer is set at every boot, without waiting for it, because it starts only after
    /// the stage of the boot that sets it.
    /// Source: <https://cloudinit.readthedocs.io/en/latest/reference/modules.html>
    var text: String {
        """
        #cloud-config
        user:
          name: \(user)
          sudo: ALL=(ALL) NOPASSWD:ALL
        ssh_deletekeys: true
        ssh_genkeytypes: [ed25519]
        ssh_keys:
          ed25519_private: |
        \(hostKey.secret.reveal.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
          ed25519_public: \(hostKey.publicKey)
        \(Self.powerOff(at: expires))
        """
    }

    /// For a machine that is to be what its image makes of it: the timer alone, which lives in memory.
    static func expiry(_ expires: Date) -> String { "#cloud-config\n" + powerOff(at: expires) }

    private static func powerOff(at moment: Date) -> String {
        // As systemd takes it.
        let text = moment.formatted(.iso8601).replacing("T", with: " ").replacing("Z", with: " UTC")
        return """
            bootcmd:
              - [systemd-run, --no-block, --unit=\(timer), "--on-calendar=\(text)", systemctl, poweroff]

            """
    }
}

/// What the machine of a build is to be.
package struct MachineOrder: Sendable {
    package enum Key: Sendable, Equatable {
        /// Made for this build and removed with it.
        case new
        /// A key pair that AWS has and the private key of it, both left as they are.
        case existing(name: String, file: String)
    }

    /// Which machine of an earlier run will do.
    package enum Reuse: Sendable {
        case any
        /// Not one that is sealed already: nobody would know its password.
        case unsealed
        case none
    }

    package var source: SourceImage
    package var instanceType: String
    package var volumeGiB: Int
    /// Who logs in, may become root, and is the sandbox's own user.
    package var user: String
    /// Networks that SSH is let in from; empty for the caller's own address alone.
    package var sshNetworks: [IPNetwork]
    package var key: Key
    /// A configuration of the user's for jump hosts and odd ports, by the machine's address; absolute.
    package var sshConfig: String?
    /// What must be running on it, for the pinned versions to fit; `nil` where nobody minds.
    package var base: SandboxDefinition.BaseSystem?
    /// Hash of what the sandbox is made from: a machine that was begun with another is made anew.
    package var inputs: String
    package var reuse: Reuse

    package init(
        source: SourceImage, instanceType: String, volumeGiB: Int, user: String, sshNetworks: [IPNetwork] = [],
        key: Key = .new, sshConfig: String? = nil, base: SandboxDefinition.BaseSystem? = nil, inputs: String = "",
        reuse: Reuse = .any
    ) {
        self.source = source
        self.instanceType = instanceType
        self.volumeGiB = volumeGiB
        self.user = user
        self.sshNetworks = sshNetworks
        self.key = key
        self.sshConfig = sshConfig
        self.base = base
        self.inputs = inputs
        self.reuse = reuse
    }
}

/// Whether a machine that lets one in is ready, and what was ordered.
extension Machines {
    /// - Throws: `Failure` where cloud-init failed, or where another system runs than the pinned versions are for.
    func ready(_ machine: AWSMachine, _ order: MachineOrder, _ events: @escaping EventSink) async throws {
        events(.progress(.setup, Progress("waiting for cloud-init on machine \(machine.instanceID)")))
        try await activity("cloud-init", events) { try await cloudInitDone(machine) }
        if let base = order.base { try await check(base, on: machine, order.source) }
    }

    /// Exit codes: 0 done, 2 done with something to complain of, 1 failed, 124 too late.
    private static let cloudInit = """
        command -v cloud-init >/dev/null || exit 0
        timeout 900 cloud-init status --wait >/dev/null
        code=$?
        cloud-init status --long
        exit $code
        """

    private func cloudInitDone(_ machine: AWSMachine) async throws {
        let output = try await answer(of: machine, to: Self.cloudInit)
        guard ![.exited(0), .exited(2)].contains(output.status) else { return }
        throw Failure(
            .failed, "cloud-init could not set up machine \(machine.instanceID) (\(output.status))",
            details: output.standardOutput.split(whereSeparator: \.isNewline).suffix(15).map(String.init))
    }

    private func check(
        _ base: SandboxDefinition.BaseSystem, on machine: AWSMachine, _ source: SourceImage
    ) async throws {
        let text = try await answer(of: machine, to: "cat /etc/os-release").standardOutput
        let found = OSRelease(text)
        guard found.id != base.distribution.rawValue || found.codename != base.suite else { return }
        throw Failure(
            .badData,
            "the pinned versions are for \(base.distribution) \(base.suite), and \(source.id) (\(source.name)) is "
                + "\(found.id) \(found.codename)",
            advice: "set aws.source_image in sandbox.yaml to an image of \(base.distribution) \(base.suite), or name "
                + "one with --ec2-source-ami")
    }

    /// Asks again where the connection was lost.
    private func answer(of machine: AWSMachine, to script: String) async throws -> CommandOutput {
        var lost = CommandOutput()
        do {
            return try await site.client.wait(for: "an answer of machine \(machine.instanceID)", at: lossPace) {
                let output = try await runner.execute(
                    .ssh(config: machine.endpoint.configFile, alias: machine.endpoint.alias, script: script))
                try Task.checkCancellation()
                guard output.status == .exited(255) else { return output }
                lost = output
                return nil
            }
        } catch is WaitedTooLong {
            throw Failure(
                .unavailable,
                "machine \(machine.instanceID) does not answer any more: "
                    + lost.standardError.trimmedLine)
        }
    }

    private var lossPace: Pace {
        var pace = site.pace
        pace.limit = min(.seconds(300), pace.limit)
        return pace
    }
}

/// What a system says of itself in `/etc/os-release`.
struct OSRelease: Sendable, Equatable {
    let id: String
    let codename: String

    init(_ text: String) {
        let pairs = text.split(whereSeparator: \.isNewline).compactMap { line -> (String, String)? in
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            return (String(parts[0]), String(parts[1].filter { $0 != "\"" && $0 != "'" }))
        }
        let values = Dictionary(pairs) { _, last in last }
        id = values["ID"] ?? "an unknown system"
        codename = values["VERSION_CODENAME"] ?? values["VERSION_ID"] ?? ""
    }
}
