import AWSCore
import AWSServices
import Sandbox
import Workbench

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
