import AWSCore
import AWSIdentity
import AWSProvider
import FoundationEssentials
import Sandbox
import Workbench

/// Machines on AWS.
extension Live {
    /// Where one asset id is built.
    func site(
        _ identity: Identity, _ assetID: AssetID, _ definition: SandboxDefinition, lifetime hours: Int
    ) throws -> BuildSite {
        BuildSite(
            try identity.orRegion(of: definition.aws).client(), assetID, names: definition.names, pace: try pace(),
            lifetime: .seconds(hours * 3600))
    }

    func machines(_ site: BuildSite) -> Machines {
        Machines(
            site: site, runner: runner, directory: "\(awsState)/\(site.region)-\(site.stackName)",
            ownAddress: { try await ownAddress(site.client.world.transport) })
    }

    func machineOrder(
        _ definition: SandboxDefinition, _ options: MachineOptions, in site: BuildSite
    ) async throws -> MachineOrder {
        let networks = try options.reach.networks
        let sshConfig = try existing(options.reach.sshConfig)
        let keyFile = try existing(options.keyFile)
        var order = MachineOrder(
            source: try await site.sourceImage(definition, ami: options.sourceAMI),
            instanceType: definition.aws.instanceType, volumeGiB: definition.aws.volumeSizeGiB,
            user: definition.user.name, sshNetworks: networks, sshConfig: sshConfig, base: definition.base)
        if let name = options.keyName, let file = keyFile { order.key = .existing(name: name, file: file) }
        return order
    }

    /// The absolute path of a file.
    func existing(_ file: String?) throws -> String? {
        guard let path = file.map(absolute) else { return nil }
        guard fileExists(path) else { throw Failure(.badData, "there is no file \(path)") }
        return path
    }

    /// What is kept of machines on AWS; belongs to the user, whoever else builds on this machine.
    private var awsState: String {
        if let folder = environment["DSS_STATE"] { return absolute("\(folder)/aws") }
        if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") { return "\(folder)/dss/aws" }
        let home = environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path
        return "\(home)/.local/state/dss/aws"
    }

    /// As AWS sees it. Behind a proxy for HTTPS it is that of the proxy, which SSH does not take.
    private func ownAddress(_ transport: any Transport) async throws -> String {
        let url = environment["DSS_CHECKIP_URL"] ?? "https://checkip.amazonaws.com"
        let advice = "say where SSH is to be let in from: --ssh-cidr 192.0.2.7/32"
        guard let endpoint = Endpoint(url: url, signingRegion: "") else {
            throw Failure(.usage, "DSS_CHECKIP_URL is no address: \(url)", advice: advice)
        }
        do {
            let path = endpoint.basePath.isEmpty ? "/" : ""
            let answer = try await transport.send(HTTPRequest(.get, endpoint, path: path), within: .seconds(20))
            guard answer.isSuccess else { throw TransportError(.lost, "it answered with \(answer.status)") }
            return String(decoding: answer.body, as: UTF8.self).trimmedLine
        } catch let error as TransportError {
            throw Failure(
                .unavailable, "the address that AWS sees you under could not be asked of \(url): \(error.message)",
                advice: advice)
        }
    }
}
