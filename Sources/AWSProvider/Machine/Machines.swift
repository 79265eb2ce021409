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
