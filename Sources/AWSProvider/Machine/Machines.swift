import AWSCore
import AWSServices
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Launches, finds, stops and removes the EC2 instance of one build.
package struct Machines: Sendable {
    let workspace: AWSWorkspace
    let runner: any CommandRunner
    let directory: MachineDirectory
    /// Returns the public address of this host, as AWS sees it.
    let ownAddress: @Sendable () async throws -> String

    /// - Parameter directory: path of the directory for keys and SSH configuration while the instance exists.
    package init(
        workspace: AWSWorkspace, runner: any CommandRunner, directory: String,
        ownAddress: @escaping @Sendable () async throws -> String
    ) {
        self.workspace = workspace
        self.runner = runner
        self.directory = MachineDirectory(path: directory)
        self.ownAddress = ownAddress
    }

    /// Returns an instance that is ready for the installation, or one that an earlier run sealed. Everything is
    /// registered in `scope` before it is created, and so are leftovers of an earlier run.
    /// - Throws: `Failure` if a name is taken by another asset id, if AWS cannot create the stack, or if the instance
    ///   does not come up or does not run the requested system.
    package func launch(_ order: MachineOrder, in scope: Scope) async throws -> AWSMachine {
        let claim = try claim()
        await register(makesKey: order.key == .new, claim, scope)
        let events = scope.events
        let left = try await leftStack(events)
        if let left, let sealed = try await sealed(left, order) { return sealed }
        try await checkKey(order.key)
        let stack = try await plan(order, keyName: keyName(order.key))
        if let left, let machine = try await unfinished(left, order, stack, events) { return machine }
        if let left { try await clear(left, events) }
        return try await launched(order, stack, events)
    }

    func claim() throws -> MachineLock {
        let holder = "\(workspace.assetID) (process \(getpid()), since \(workspace.now().formatted(.iso8601)))"
        do { return try directory.claim(holder: holder) } catch let held as LockHeld {
            throw Failure(
                .temporary, "another run is using asset id \(held.holder)",
                advice: "wait for it to finish, stop it with Ctrl-C, or use another --asset-id")
        }
    }

    /// - Parameter keyName: name of the key pair; empty for none.
    func plan(_ order: MachineOrder, keyName: String) async throws -> MachineStack {
        var networks = order.sshNetworks
        if networks.isEmpty { networks = [try await ownNetwork()] }
        return try MachineStack(order, networks: networks, keyName: keyName, tags: workspace.passingTags)
    }

    private func ownNetwork() async throws -> IPNetwork {
        let address = try await ownAddress()
        do { return try IPNetwork(address) } catch {
            throw Failure(
                .unavailable, "cannot determine your public IP address: \(error.message)",
                advice: "pass the network to allow SSH from, for example --ssh-cidr 192.0.2.7/32")
        }
    }

    private func launched(
        _ order: MachineOrder, _ stack: MachineStack, _ events: @escaping EventSink
    ) async throws -> AWSMachine {
        try directory.clear()
        try await makeKey(order.key)
        let hostKey = try await makeHostKey()
        let userData = UserData(user: order.user, hostKey: hostKey, expires: workspace.expires)
        let deployed = try await deploy(stack.order(named: workspace.stackName, userData: userData.text), events)
        guard let id = deployed.outputs[MachineStack.Name.instanceID], let stackID = try await stackID() else {
            throw Failure(.failed, "stack \(workspace.stackName) in \(workspace.region) has no InstanceId output")
        }
        try directory.write(.init(stackID: stackID, instanceID: id))
        let machine = try await reached(id, order, stack, until: workspace.expires, events)
        try await ready(machine, order, events)
        return machine
    }
}

/// The life of an instance between launch and removal.
extension Machines {
    /// Tags the instance as sealed, so that a later run can resume from there.
    package func markSealed(_ machine: AWSMachine, missing: [MissingComponent]) async throws {
        let tags = [
            EC2.Tag(key: Tag.stage, value: Tag.sealed), EC2.Tag(key: Tag.missing, value: MissingTag.text(missing)),
        ]
        _ = try await workspace.client.call(EC2.CreateTags(resources: [machine.instanceID], tags: tags))
    }

    /// Stops the instance and waits until it is stopped. Its disk is consistent then, and the instance does not boot
    /// again before its image is created.
    package func stop(_ machine: AWSMachine, events: @escaping EventSink) async throws {
        let id = machine.instanceID
        events(.progress(.capture, Progress("stopping instance \(id)")))
        try await activity("stopping the machine", events) {
            _ = try await workspace.client.call(EC2.StopInstances(instanceIds: [id]))
            try await workspace.client.wait(for: "the shutdown of instance \(id)", at: workspace.polling) {
                guard let instance = try await instance(id), instance.isThere else {
                    throw Failure(.failed, "instance \(id) in \(workspace.region) was terminated while it was stopping")
                }
                return instance.state.name == "stopped" ? () : nil
            }
        }
    }

    /// Waits until the instance terminates, either by its own timer or by someone else.
    /// - Returns: the reason as AWS reports it.
    package func waitForEnd(of machine: AWSMachine) async throws -> String {
        let polling = PollingPolicy(first: .seconds(30), longest: .seconds(60), limit: .seconds(400 * 24 * 3600))
        return try await workspace.client.wait(for: "the termination of instance \(machine.instanceID)", at: polling) {
            guard let instance = try await instance(machine.instanceID) else { return "it no longer exists" }
            return instance.isThere ? nil : instance.reason
        }
    }

    /// Hints for an instance that is kept: how to connect to it, what it costs, and how to remove it.
    package func hints(_ machine: AWSMachine) -> [String] {
        var hints: [String] = []
        if !machine.isSealed {
            hints.append("connect to instance \(machine.instanceID) with: \(machine.endpoint.commandLine)")
        }
        let cost = machine.hourlyCost.map { "costs about $\(Self.dollars($0)) per hour" } ?? "costs money every hour"
        let end = machine.expires.map { " and powers off at \($0.formatted(.iso8601))" } ?? ""
        return hints + ["it \(cost)\(end)", "remove it with: \(workspace.remedy)"]
    }

    /// Formats an amount with three decimals.
    package static func dollars(_ amount: Double) -> String {
        let thousandths = Int((amount * 1000).rounded())
        let fraction = "\(1000 + thousandths % 1000)".dropFirst()
        return "\(thousandths / 1000).\(fraction)"
    }
}

/// Cleaning up the instance of an earlier run when the current run does not need it.
extension Machines {
    /// Whether an earlier run left a stack or a key pair with this asset id.
    package func hasLeftovers() async throws -> Bool {
        if let stack = try await stacks({ _ in }).stack(workspace.stackName), isOurs(stack) { return true }
        return try await keyPair(workspace.stackName).map { workspace.owns($0.tags) } ?? false
    }

    /// Starts deleting the leftovers of an earlier run. The registered undo waits until they are gone.
    package func sweep(in scope: Scope) async throws {
        let claim = try claim()
        await scope.undo.register("lock for asset id \(workspace.assetID)", remedy: workspace.remedy) {
            claim.giveBack()
        }
        guard try await hasLeftovers() else { return }
        scope.notice("deleting the instance and key pair left by an earlier run")
        await beginRemoval(in: scope)
    }
}

/// Starting an instance exactly as its image defines it: without a key pair and without an injected host key.
extension Machines {
    /// Starts the instance. Everything is registered in `scope` before it is created.
    /// - Throws: `Failure` if the stack name is taken by another asset id, or if AWS cannot create the stack.
    func start(_ order: MachineOrder, in scope: Scope) async throws -> AWSMachine {
        let claim = try claim()
        await register(makesKey: false, claim, scope)
        let stack = try await plan(order, keyName: "")
        if let left = try await leftStack(scope.events) { try await clear(left, scope.events) }
        let wish = stack.order(named: workspace.stackName, userData: UserData.expiry(workspace.expires))
        guard let id = try await deploy(wish, scope.events).outputs[MachineStack.Name.instanceID] else {
            throw Failure(.failed, "stack \(workspace.stackName) in \(workspace.region) has no InstanceId output")
        }
        return AWSMachine(
            endpoint: SSHEndpoint(configFile: directory.sshConfig, alias: alias), instanceID: id, address: "",
            expires: workspace.expires, hourlyCost: hourlyCost(stack.parameters), isSealed: true)
    }

    /// Waits until the instance runs and its console shows the host keys.
    /// - Parameter file: path of the file that receives the console output.
    /// - Throws: `Failure` if the instance stops or the keys do not appear in time.
    func introduction(
        of id: String, console file: String, tell: @escaping @Sendable (Progress) -> Void
    ) async throws -> (address: String, hostKeys: Set<String>) {
        tell(Progress("waiting for the host keys on the console of instance \(id)"))
        var polling = workspace.polling
        polling.limit = min(.seconds(600), polling.limit)
        do {
            return try await workspace.client.wait(for: "the host keys of instance \(id)", at: polling) {
                guard let instance = try await running(id), let address = instance.address else { return nil }
                let text = try await consoleText(of: id)
                try writeAtomically(text, to: file, mode: 0o600)
                let keys = ConsoleHostKeys(text).keys
                return keys.isEmpty ? nil : (address, keys)
            }
        } catch is WaitTimeout {
            throw Failure(
                .failed, "the console output of instance \(id) has no SSH host keys; cloud-init prints them on EC2",
                details: await console(of: id))
        }
    }
}

/// Finding the instance of an existing stack, for a command that does not create one and must not remove it on failure.
extension Machines {
    /// - Throws: `Failure` if there is no instance, if it is not running, or if its keys are not on this host.
    package func found(in scope: Scope) async throws -> AWSMachine {
        let claim = try claim()
        await scope.undo.register("lock for asset id \(workspace.assetID)", remedy: workspace.remedy) {
            claim.giveBack()
        }
        guard let stack = try await leftStack(scope.events), StackState.isSuccess(stack.stackStatus),
            let id = stack.outputValues[MachineStack.Name.instanceID], let instance = try await instance(id),
            instance.isThere
        else {
            throw Failure(
                .badData, "asset id \(workspace.assetID) has no instance in \(workspace.region)",
                advice: "dss setup-ec2-and-install-dependencies --asset-id '\(workspace.assetID)' --keep")
        }
        let machine = machine(instance, of: stack)
        if !machine.isSealed { try await check(machine, of: stack) }
        return machine
    }

    /// Describes an existing instance from its tags, its stack and the files of its launch.
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
                .badData, "no SSH keys for instance \(machine.instanceID) in \(directory.path)",
                advice: "run this on the host that started the instance, or with the DSS_STATE used there")
        }
        let answer = try await runner.execute(
            .ssh(config: machine.endpoint.configFile, alias: machine.endpoint.alias, script: "true"))
        try Task.checkCancellation()
        guard answer.status.isSuccess else {
            throw Failure(
                .unavailable,
                "cannot log in to instance \(machine.instanceID) with SSH: \(answer.standardError.trimmedLine)",
                advice: "to try it by hand: \(machine.endpoint.commandLine)")
        }
    }
}
