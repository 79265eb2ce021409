import AWSCore
import AWSServices
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// The machine of one build on AWS: launched, found again, stopped, removed.
package struct Machines: Sendable {
    let site: BuildSite
    let runner: any CommandRunner
    let directory: MachineDirectory
    /// The address that AWS sees this machine under.
    let ownAddress: @Sendable () async throws -> String

    /// - Parameter directory: where keys and the configuration of SSH are kept as long as the machine is there.
    package init(
        site: BuildSite, runner: any CommandRunner, directory: String,
        ownAddress: @escaping @Sendable () async throws -> String
    ) {
        self.site = site
        self.runner = runner
        self.directory = MachineDirectory(path: directory)
        self.ownAddress = ownAddress
    }

    /// A machine that can be installed on, or that an earlier run has sealed. All that is made is registered in `undo`
    /// before it is made, and so is what an earlier run has left.
    /// - Throws: `Failure` where something of that name is somebody else's, where AWS cannot do it, or where the machine
    ///   does not come up or is not what was ordered.
    package func launch(
        _ order: MachineOrder, undo: Undo, events: @escaping EventSink
    ) async throws -> AWSMachine {
        let claim = try claim()
        await register(makesKey: order.key == .new, claim, undo, events)
        let left = try await leftStack(events)
        if let left, let sealed = try await sealed(left, order) { return sealed }
        try await checkKey(order.key)
        let stack = try await plan(order, keyName: keyName(order.key))
        if let left, let machine = try await unfinished(left, order, stack, events) { return machine }
        if let left { try await clear(left, events) }
        return try await launched(order, stack, events)
    }

    func claim() throws -> MachineClaim {
        let holder = "\(site.assetID) (process \(getpid()), since \(site.now().formatted(.iso8601)))"
        do { return try directory.claim(holder: holder) } catch let held as LockHeld {
            throw Failure(
                .temporary, "another run works on asset id \(held.holder)",
                advice: "wait for it, end it with Ctrl-C, or use another --asset-id")
        }
    }

    /// - Parameter keyName: empty where nobody logs in by a key.
    func plan(_ order: MachineOrder, keyName: String) async throws -> MachineStack {
        var networks = order.sshNetworks
        if networks.isEmpty { networks = [try await ownNetwork()] }
        return try MachineStack(order, networks: networks, keyName: keyName, tags: site.passingTags)
    }

    private func ownNetwork() async throws -> IPNetwork {
        let address = try await ownAddress()
        do { return try IPNetwork(address) } catch {
            throw Failure(
                .unavailable, "the address that AWS sees you under could not be found out: \(error.message)",
                advice: "say where SSH is to be let in from: --ssh-cidr 192.0.2.7/32")
        }
    }

    private func launched(
        _ order: MachineOrder, _ stack: MachineStack, _ events: @escaping EventSink
    ) async throws -> AWSMachine {
        try directory.clear()
        try await makeKey(order.key)
        let hostKey = try await makeHostKey()
        let userData = UserData(user: order.user, hostKey: hostKey, expires: site.expires)
        let deployed = try await deploy(stack.order(named: site.stackName, userData: userData.text), events)
        guard let id = deployed.outputs[MachineStack.Name.instanceID], let stackID = try await stackID() else {
            throw Failure(.failed, "stack \(site.stackName) in \(site.region) tells of no machine")
        }
        try directory.write(.init(stackID: stackID, instanceID: id))
        let machine = try await reached(id, order, stack, until: site.expires, events)
        try await ready(machine, order, events)
        return machine
    }
}

/// What happens to a machine between its launch and its removal.
extension Machines {
    /// Remembers on AWS that it is sealed, so that a later run goes on from there.
    package func markSealed(_ machine: AWSMachine, missing: [MissingComponent]) async throws {
        let tags = [
            EC2.Tag(key: Tag.stage, value: Tag.sealed), EC2.Tag(key: Tag.missing, value: MissingTag.text(missing)),
        ]
        _ = try await site.client.call(EC2.CreateTags(resources: [machine.instanceID], tags: tags))
    }

    /// Stops it and waits until it stands still, so that its disk is whole and it never boots again before its image
    /// is taken.
    package func stop(_ machine: AWSMachine, events: @escaping EventSink) async throws {
        let id = machine.instanceID
        events(.progress(.capture, Progress("stopping machine \(id)")))
        try await activity("stopping the machine", events) {
            _ = try await site.client.call(EC2.StopInstances(instanceIds: [id]))
            try await site.client.wait(for: "the stop of machine \(id)", at: site.pace) {
                guard let instance = try await instance(id), instance.isThere else {
                    throw Failure(.failed, "machine \(id) in \(site.region) was removed while it was to be stopped")
                }
                return instance.state.name == "stopped" ? () : nil
            }
        }
    }

    /// Waits until it has ended by itself, or by somebody else.
    /// - Returns: why, in AWS's words.
    package func waitForEnd(of machine: AWSMachine) async throws -> String {
        let pace = Pace(first: .seconds(30), longest: .seconds(60), limit: .seconds(400 * 24 * 3600))
        return try await site.client.wait(for: "the end of machine \(machine.instanceID)", at: pace) {
            guard let instance = try await instance(machine.instanceID) else { return "AWS does not know it any more" }
            return instance.isThere ? nil : instance.reason
        }
    }

    /// What to say of one that is kept.
    package func hints(_ machine: AWSMachine) -> [String] {
        var hints: [String] = []
        if !machine.isSealed {
            hints.append("reach machine \(machine.instanceID) with: \(machine.endpoint.commandLine)")
        }
        let cost = machine.hourlyCost.map { "costs about \(Self.dollars($0)) $ an hour" } ?? "costs money every hour"
        let end = machine.expires.map { " and powers itself off at \($0.formatted(.iso8601))" } ?? ""
        return hints + ["it \(cost)\(end)", "remove it with: \(site.remedy)"]
    }

    /// Two digits that say something.
    package static func dollars(_ amount: Double) -> String {
        let cents = Int((amount * 1000).rounded())
        let fraction = "\(1000 + cents % 1000)".dropFirst()
        return "\(cents / 1000).\(fraction)"
    }
}

/// The machine of an earlier run, for a run that has no use for it any more.
extension Machines {
    /// Whether an earlier run has left a stack or a key pair of this asset id.
    package func hasLeftovers() async throws -> Bool {
        if let stack = try await stacks({ _ in }).stack(site.stackName), isOurs(stack) { return true }
        return try await keyPair(site.stackName).map { site.owns($0.tags) } ?? false
    }

    /// Begins to remove what an earlier run has left; the undo that is registered for it waits until it is gone.
    package func sweep(undo: Undo, events: @escaping EventSink) async throws {
        let claim = try claim()
        await undo.register("the lock of \(site.assetID)", remedy: site.remedy) { claim.giveBack() }
        guard try await hasLeftovers() else { return }
        events(.notice("removing machine and key pair that an earlier run has left"))
        await beginRemoval(undo: undo, events: events)
    }
}

/// A machine that is what its image makes of it: no key pair, and no host key that is handed in.
extension Machines {
    /// Starts it, and registers in `undo` all that is made, before it is made.
    /// - Throws: `Failure` where something of that name is somebody else's, or where AWS cannot do it.
    func start(_ order: MachineOrder, undo: Undo, events: @escaping EventSink) async throws -> AWSMachine {
        let claim = try claim()
        await register(makesKey: false, claim, undo, events)
        let stack = try await plan(order, keyName: "")
        if let left = try await leftStack(events) { try await clear(left, events) }
        let wish = stack.order(named: site.stackName, userData: UserData.expiry(site.expires))
        guard let id = try await deploy(wish, events).outputs[MachineStack.Name.instanceID] else {
            throw Failure(.failed, "stack \(site.stackName) in \(site.region) tells of no machine")
        }
        return AWSMachine(
            endpoint: SSHEndpoint(configFile: directory.sshConfig, alias: alias), instanceID: id, address: "",
            expires: site.expires, hourlyCost: hourlyCost(stack.parameters), isSealed: true)
    }

    /// Waits until it runs and its console tells its host keys.
    /// - Parameter file: where what the console says is written meanwhile.
    /// - Throws: `Failure` where it ends, or never tells them.
    func introduction(
        of id: String, console file: String, tell: @escaping @Sendable (Progress) -> Void
    ) async throws -> (address: String, hostKeys: Set<String>) {
        tell(Progress("waiting for the host keys on the console of machine \(id)"))
        var pace = site.pace
        pace.limit = min(.seconds(600), pace.limit)
        do {
            return try await site.client.wait(for: "the host keys of machine \(id)", at: pace) {
                guard let instance = try await running(id), let address = instance.address else { return nil }
                let text = try await consoleText(of: id)
                try writeAtomically(text, to: file, mode: 0o600)
                let keys = ConsoleHostKeys(text).keys
                return keys.isEmpty ? nil : (address, keys)
            }
        } catch is WaitedTooLong {
            throw Failure(
                .failed, "the console of machine \(id) does not tell its SSH host keys, as cloud-init does on EC2",
                details: await console(of: id))
        }
    }
}

/// The machine of a stack that is there, for a command that makes none and must not remove it when it fails.
extension Machines {
    /// - Throws: `Failure` where there is none, where it does not run, or where its keys are not here.
    package func found(undo: Undo, events: @escaping EventSink) async throws -> AWSMachine {
        let claim = try claim()
        await undo.register("the lock of \(site.assetID)", remedy: site.remedy) { claim.giveBack() }
        guard let stack = try await leftStack(events), StackState.isSuccess(stack.stackStatus),
            let id = stack.outputValues[MachineStack.Name.instanceID], let instance = try await instance(id),
            instance.isThere
        else {
            throw Failure(
                .badData, "there is no machine of asset id \(site.assetID) in \(site.region)",
                advice: "dss setup-ec2-and-install-dependencies --asset-id '\(site.assetID)' --keep")
        }
        let machine = machine(instance, of: stack)
        if !machine.isSealed { try await check(machine, of: stack) }
        return machine
    }

    /// A machine that is there, as far as AWS and its launch tell of it.
    func machine(_ instance: EC2.Instance, of stack: CloudFormation.Stack) -> AWSMachine {
        AWSMachine(
            endpoint: directory.endpoint ?? SSHEndpoint(configFile: directory.sshConfig, alias: alias),
            instanceID: instance.instanceId, address: instance.address ?? "", expires: stack.expires,
            hourlyCost: hourlyCost(stack.parameterValues), isSealed: instance.tag(Tag.stage) == Tag.sealed,
            missing: instance.tag(Tag.missing).map(MissingTag.components) ?? [])
    }

    private func check(_ machine: AWSMachine, of stack: CloudFormation.Stack) async throws {
        guard directory.record == .init(stackID: stack.stackId ?? "", instanceID: machine.instanceID),
            fileExists(directory.sshConfig)
        else {
            throw Failure(
                .badData, "the keys of machine \(machine.instanceID) are not in \(directory.path)",
                advice: "run it where the machine was started, or with its DSS_STATE")
        }
        let answer = try await runner.execute(
            .ssh(config: machine.endpoint.configFile, alias: machine.endpoint.alias, script: "true"))
        try Task.checkCancellation()
        guard answer.status.isSuccess else {
            throw Failure(
                .unavailable, "machine \(machine.instanceID) does not let one in: \(answer.standardError.trimmedLine)",
                advice: "try it with: \(machine.endpoint.commandLine)")
        }
    }
}
