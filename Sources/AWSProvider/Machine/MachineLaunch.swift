import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Workbench

/// The stack of the instance: creating it, and removing it together with its key pair and local files.
extension Machines {
    static let removal = "removing the stack"

    /// Registers the undo of everything that a launch creates. It is safe if nothing exists, and never touches
    /// resources of another asset id.
    /// - Parameter makesKey: whether the launch creates a key pair.
    func register(makesKey: Bool, _ claim: MachineLock, _ scope: Scope) async {
        let (undo, events) = (scope.undo, scope.events)
        await undo.register("directory \(directory.path)", remedy: "rm -r \(directory.path)", isKeepable: true) {
            defer { claim.giveBack() }
            try await removeDirectory()
        }
        if makesKey {
            await undo.register("key pair \(workspace.stackName)", remedy: workspace.remedy, isKeepable: true) {
                try await removeKeyPair()
            }
        }
        await undo.register("stack \(workspace.stackName)", remedy: workspace.remedy, isKeepable: true) {
            try await removeStack(events)
        }
    }

    /// Starts removing everything without waiting for it. The registered undo waits, even if the instance was to be
    /// kept. If AWS refuses, the undo tries again and reports the error.
    package func beginRemoval(in scope: Scope) async {
        let events = scope.events
        events(.activityStarted(Self.removal))
        await orderRemoval(events)
        // An unstructured task, because it must continue when the build is cancelled, and its end must be recorded when
        // it happens, not when the undo awaits it.
        let removal = Task {
            defer { events(.activityFinished(Self.removal)) }
            try await remove(events: events)
        }
        await scope.undo.register("stack \(workspace.stackName) and its key pair", remedy: workspace.remedy) {
            do { try await removal.value } catch { try await remove(events: events) }
        }
    }

    func orderRemoval(_ events: @escaping EventSink) async {
        guard let stack = try? await stacks(events).stack(workspace.stackName), isOurs(stack) else { return }
        _ = try? await workspace.client.call(
            CloudFormation.DeleteStack(stackName: stack.stackId ?? workspace.stackName))
    }

    /// Removes the stack with its instance, the key pair and the local files, and waits until they are gone.
    package func remove(events: @escaping EventSink) async throws {
        if let stack = try await stacks(events, .cleanUp).stack(workspace.stackName), isOurs(stack) {
            try await stacks(events, .cleanUp).remove(stack)
        }
        try await removeKeyPair()
        try await removeDirectory()
    }

    private func removeStack(_ events: @escaping EventSink) async throws {
        let stacks = stacks(events, .cleanUp)
        guard let stack = try await stacks.stack(workspace.stackName), isOurs(stack) else { return }
        try await activity(Self.removal, events) { try await stacks.remove(stack) }
    }

    private func removeDirectory() async throws {
        if let socket = directory.controlPath, fileExists(socket) {
            // Otherwise the shared connection stays open for a minute.
            _ = try? await runner.execute(Command("ssh", ["-F", "none", "-S", socket, "-O", "exit", alias]))
        }
        try directory.remove()
    }

    // Creating the stack

    func deploy(_ order: StackOrder, _ events: @escaping EventSink) async throws -> Deployment {
        try await activity("stack", events) {
            do { return try await stacks(events).deploy(order) } catch let left as LeftBehind {
                // The undo of the stack deletes it, whatever its status.
                throw left.cause
            } catch var failure as Failure where failure.details.contains(where: { $0.contains("default VPC") }) {
                // AWS reports this only in the message.
                failure.advice = "aws ec2 create-default-vpc --region \(workspace.region)"
                throw failure
            }
        }
    }

    func stackID() async throws -> String? { try await stacks { _ in }.stack(workspace.stackName)?.stackId }

    func stacks(_ events: @escaping EventSink, _ stage: Stage = .setup) -> Stacks {
        let talk = DeploymentCallbacks(
            approve: { _ in true }, approveRemoval: { _ in true },
            tell: { events(.progress(stage, Progress($0.sentence))) })
        return Stacks(workspace.client, talk, polling: workspace.polling)
    }

    /// Whether the stack belongs to this asset id. A stack whose change set was never executed may have no tags yet; it
    /// is empty.
    func isOurs(_ stack: CloudFormation.Stack) -> Bool {
        guard let owner = stack.tag(workspace.names.tagKey) else {
            return StackState(status: stack.stackStatus) == .draft
        }
        return owner == workspace.assetID.rawValue
    }
}

extension StackProgress {
    var sentence: String {
        switch self {
        case .step(let text): text
        case .event(let resource, _, let status, _): "\(resource) \(status)"
        }
    }
}

/// The stack of a build instance: its parameters and tags, by which a later run recognizes it.
struct MachineStack: Sendable, Equatable {
    enum Name {
        static let userData = "UserData"
        static let instanceID = "InstanceId"
    }

    static let template = String(decoding: PackageResources.build_machine_yaml, as: UTF8.self)
    /// The number of network parameters that the template has for each IP version.
    static let mostNetworks = 4

    /// All parameters except the user data, which CloudFormation does not return.
    let parameters: [String: String]
    let tags: [String: String]

    /// - Throws: `Failure` if there are too many networks.
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
                    .usage, "SSH can be allowed from at most \(Self.mostNetworks) IP\(version) networks",
                    advice: "pass fewer --ssh-cidr options, or larger networks")
            }
            for index in 0..<Self.mostNetworks {
                parameters["\(name)\(index + 1)"] = texts.indices.contains(index) ? texts[index] : ""
            }
        }
        self.parameters = parameters
        var values = Dictionary(tags.map { ($0.key, $0.value) }) { first, _ in first }
        if let inputs = order.inputs { values[ImageFacts.Key.inputs] = inputs }
        self.tags = values
    }

    func order(named name: String, userData: String) -> StackOrder {
        let parameters = parameters.merging([Name.userData: Data(userData.utf8).base64EncodedString()]) { $1 }
        return StackOrder(
            name: name, template: Self.template, parameterNames: parameters.keys.sorted(), parameters: parameters,
            tags: tags, isProtected: false)
    }

    /// Whether `stack` matches this one, except for the host key and the expiry time.
    func isSame(as stack: CloudFormation.Stack) -> Bool {
        stack.parameterValues.filter { $0.key != Name.userData } == parameters && hasSameInputs(as: stack)
    }

    func hasSameInputs(as stack: CloudFormation.Stack) -> Bool {
        stack.tag(ImageFacts.Key.inputs) == tags[ImageFacts.Key.inputs]
    }
}

extension CloudFormation.Stack {
    func tag(_ key: String) -> String? { tags.first { $0.key == key }?.value }

    /// When the instance of the stack powers itself off.
    var expires: Date? { tag(AssetRules.expiryTag).flatMap { try? Date($0, strategy: .iso8601) } }
}

/// The cloud-init configuration of a build instance: login user, host key and expiry time.
struct UserData: Sendable {
    let user: String
    let hostKey: HostKey
    let expires: Date

    /// Name of the expiry timer on the instance. The timer exists only in `/run`, so that it cannot become part of an
    /// image.
    static let timer = "dss-expiry"

    /// The user data, at most 3 KiB, because a stack parameter holds 4,096 bytes and the text is base64-encoded.
    ///
    /// `user` renames the default user, because user data cannot override `system_info`. With `ssh_keys`, cloud-init
    /// generates no other host keys. The timer is set at every boot; `--no-block` is required because the timer starts
    /// only after the boot stage that sets it.
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

    /// The user data of an instance that must stay exactly as its image defines it: only the timer, which exists in
    /// memory.
    static func expiry(_ expires: Date) -> String { "#cloud-config\n" + powerOff(at: expires) }

    private static func powerOff(at moment: Date) -> String {
        // The format of systemd's calendar events.
        let text = moment.formatted(.iso8601).replacing("T", with: " ").replacing("Z", with: " UTC")
        return """
            bootcmd:
              - [systemd-run, --no-block, --unit=\(timer), "--on-calendar=\(text)", systemctl, poweroff]

            """
    }
}

/// The requested properties of a build instance.
package struct MachineOrder: Sendable {
    package enum Key: Sendable, Equatable {
        /// A key pair that is created for this build and removed with it.
        case new
        /// An existing EC2 key pair and the file with its private key; both are left unchanged.
        case existing(name: String, file: String)
    }

    /// Which instances of an earlier run can be reused.
    package enum Reuse: Sendable {
        case any
        /// Only instances that are not sealed yet, because a sealed one has another password than the requested one.
        case unsealed
        case none
    }

    package var source: SourceImage
    package var instanceType: String
    package var volumeGiB: Int
    /// The login user, who can become root and is also the user of the sandbox.
    package var user: String
    /// Networks that SSH is allowed from; empty for only the caller's own address.
    package var sshNetworks: [IPNetwork]
    package var key: Key
    /// Absolute path of the user's SSH configuration, for jump hosts and non-standard ports. Its `Host` entries are
    /// matched against the address of the instance.
    package var sshConfig: String?
    /// The system that the pinned versions require; `nil` for any system.
    package var base: SandboxDefinition.BaseSystem?
    /// Hash of the inputs of the sandbox. An instance that was started with another hash is replaced. `nil` where no
    /// image will be made of the instance.
    package var inputs: String?
    package var reuse: Reuse

    package init(
        source: SourceImage, instanceType: String, volumeGiB: Int, user: String, sshNetworks: [IPNetwork] = [],
        key: Key = .new, sshConfig: String? = nil, base: SandboxDefinition.BaseSystem? = nil, inputs: String? = nil,
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

/// Checks that a reachable instance is ready and runs the requested system.
extension Machines {
    /// - Throws: `Failure` if cloud-init failed, or if the system is not the one that the pinned versions are for.
    func ready(_ machine: AWSMachine, _ order: MachineOrder, _ events: @escaping EventSink) async throws {
        events(.progress(.setup, Progress("waiting for cloud-init on instance \(machine.instanceID)")))
        try await activity("cloud-init", events) { try await cloudInitDone(machine) }
        if let base = order.base { try await check(base, on: machine, order.source) }
    }

    /// Exit codes: 0 is done, 2 is done with recoverable errors, 1 is failed, 124 is timed out.
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
            .failed, "cloud-init failed on instance \(machine.instanceID) (\(output.status))",
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
            "the pinned versions are for \(base.distribution) \(base.suite), but \(source.id) (\(source.name)) is "
                + "\(found.id) \(found.codename)",
            advice: "set aws.source_image in sandbox.yaml to an image of \(base.distribution) \(base.suite), or pass "
                + "one with --ec2-source-ami")
    }

    /// Runs a script on the instance, and retries if the connection is lost.
    private func answer(of machine: AWSMachine, to script: String) async throws -> CommandOutput {
        var lost = CommandOutput()
        do {
            return try await workspace.client.wait(for: "an answer from instance \(machine.instanceID)", at: lossPace) {
                let output = try await runner.execute(
                    .ssh(config: machine.endpoint.configFile, alias: machine.endpoint.alias, script: script))
                try Task.checkCancellation()
                guard output.status == .exited(255) else { return output }
                lost = output
                return nil
            }
        } catch is WaitTimeout {
            throw Failure(
                .unavailable,
                "instance \(machine.instanceID) stopped responding: "
                    + lost.standardError.trimmedLine)
        }
    }

    private var lossPace: PollingPolicy {
        var polling = workspace.polling
        polling.limit = min(.seconds(300), polling.limit)
        return polling
    }
}

/// The id and code name of a system, from its `/etc/os-release`.
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
