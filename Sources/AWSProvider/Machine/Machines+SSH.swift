import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Workbench

/// Reaching the machine.
extension Machines {
    private static let launchLimit = Duration.seconds(600)

    /// In lower case, as ssh looks it up among the known hosts.
    var alias: String { site.stackName.lowercased() }

    /// Tries until it lets one in.
    /// - Throws: `Failure` where it has ended meanwhile, or does not answer within the limit.
    func reached(
        _ id: String, _ order: MachineOrder, _ stack: MachineStack, until expires: Date,
        limit: Duration = Machines.launchLimit, _ events: @escaping EventSink
    ) async throws -> AWSMachine {
        events(.progress(.setup, Progress("waiting for SSH on machine \(id)")))
        var pace = site.pace
        pace.limit = min(limit, pace.limit)
        var answer = "nobody has been asked yet"
        do {
            return try await activity("SSH", events) {
                try await site.client.wait(for: "SSH on machine \(id)", at: pace) {
                    guard let instance = try await running(id), let address = instance.address else { return nil }
                    let endpoint = try write(order, address)
                    let output = try await runner.execute(
                        .ssh(config: endpoint.configFile, alias: endpoint.alias, script: "true"))
                    try Task.checkCancellation()
                    answer = output.standardError.trimmedLine
                    guard output.status.isSuccess else { return nil }
                    return AWSMachine(
                        endpoint: endpoint, instanceID: id, address: address, expires: expires,
                        hourlyCost: hourlyCost(stack.parameters))
                }
            }
        } catch let late as WaitedTooLong {
            throw await unreachable(id, late, answer, stack)
        }
    }

    /// `nil` while it starts.
    func running(_ id: String) async throws -> EC2.Instance? {
        guard let instance = try await instance(id), instance.state.name != "pending" else { return nil }
        guard instance.state.name == "running" else {
            throw Failure(
                .failed, "machine \(id) in \(site.region) is \(instance.state.name): \(instance.reason)",
                details: await console(of: id))
        }
        return instance
    }

    private func unreachable(_ id: String, _ late: WaitedTooLong, _ answer: String, _ stack: MachineStack) async
        -> Failure
    {
        let networks = stack.parameters.filter { $0.key.hasPrefix("SSHIP") && !$0.value.isEmpty }
            .map(\.value).sorted().joined(separator: ", ")
        return Failure(
            .unavailable, late.description,
            details: ["ssh says: \(answer)", "its security group lets SSH in from \(networks)"]
                + (await console(of: id)),
            advice: "is that the address that your SSH comes from, and not that of a proxy? else add --ssh-cidr, "
                + "or --ssh-config for a jump host")
    }

    /// The end of what it wrote to its console, as far as AWS has it.
    func console(of id: String) async -> [String] {
        let lines = ((try? await consoleText(of: id)) ?? "").split(whereSeparator: \.isNewline).suffix(15).map { line in
            String(String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }))
        }
        return lines.isEmpty ? [] : ["the end of its console:"] + lines
    }

    func consoleText(of id: String) async throws -> String {
        do {
            let latest = try await site.client.call(EC2.GetConsoleOutput(instanceId: id, latest: true))
            if let text = latest.text, !text.isEmpty { return text }
        } catch let error as AWSError where error.code == "UnsupportedOperation" {
            // Only machines on Nitro have it.
        }
        return try await site.client.call(EC2.GetConsoleOutput(instanceId: id)).text ?? ""
    }

    /// The configuration that leads to it: the address is known only when it runs, and may change.
    ///
    /// With a file of the user's the address is the alias, so that what that file says of the address applies.
    private func write(_ order: MachineOrder, _ address: String) throws -> SSHEndpoint {
        let isOpen = order.sshConfig != nil
        let config = SSHConfig(
            alias: isOpen ? address : alias, host: isOpen ? nil : address, port: isOpen ? nil : 22, user: order.user,
            identityFile: keyFile(order.key), knownHostsFile: directory.knownHosts,
            controlPath: directory.controlPath, hostKeyAlias: alias, includedFile: order.sshConfig)
        if (try? readText(directory.sshConfig)) != config.text {
            try writeAtomically(config.text, to: directory.sshConfig, mode: 0o600)
        }
        return SSHEndpoint(configFile: directory.sshConfig, alias: config.alias)
    }

    /// - Parameter parameters: of its stack.
    func hourlyCost(_ parameters: [String: String]) -> Double? {
        guard let type = parameters["InstanceType"], let disk = parameters["VolumeSize"].flatMap({ Int($0) }) else {
            return nil
        }
        return PriceList.shipped.instance(type, isRunning: true, diskGiB: disk, hasAddress: true, in: site.region)
            .map { $0 / PriceList.hoursPerMonth }
    }
}
