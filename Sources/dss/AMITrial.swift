import AWSCore
import AWSProvider
import Definition
import Reporting
import Sandbox
import Verification
import Workbench

/// How copies of an AMI are started to be looked at, and removed again.
struct AMITrial: Sendable {
    let live: Live
    let names: SandboxDefinition.Names
    let instanceType: String
    /// Those of the definition, for an image that does not say itself.
    let user: String
    let jupyterPort: Int
    let networks: [IPNetwork]
    let sshConfig: String?
    let hours: Int

    func user(of image: StartableImage) -> String { image.facts?.user ?? user }

    func jupyterPort(of image: StartableImage) -> Int { image.facts?.jupyterPort ?? jupyterPort }

    /// Gives `body` the copies, started.
    func withCopies(
        of image: StartableImage, _ client: AWSClient, _ writer: CheckWriter, keepOnFailure: Bool,
        _ body: @escaping @Sendable (AMIGuests) async throws -> VerificationReport
    ) async throws -> VerificationReport {
        let undo = Undo()
        let result: Result<VerificationReport, any Error>
        do {
            let guests = try await AMIGuests.start(
                order(image), copies: try copies(of: image, client),
                jupyterPort: jupyterPort(of: image), undo: undo, tell: writer.progress)
            let report = try await body(guests)
            if keepOnFailure, !report.passed {
                for hint in guests.hints { writer.note(hint) }
                _ = await undo.forgetKept()
            } else {
                // A task of its own goes on where this one is cancelled.
                await Task { await guests.orderRemoval() }.value
            }
            result = .success(report)
        } catch { result = .failure(error) }
        writer.progress(Progress("removing the instances"))
        let leftovers = await Task { await undo.unwind() }.value
        switch result {
        case .failure(let cause):
            throw leftovers.isEmpty ? cause : LeftBehind(cause: cause, leftovers: leftovers)
        case .success(let report):
            for leftover in leftovers { writer.note("warning: \(leftover)") }
            return report
        }
    }

    /// The disk is as large as the image's own.
    private func order(_ image: StartableImage) -> MachineOrder {
        MachineOrder(
            source: image.source, instanceType: instanceType, volumeGiB: image.source.rootGiB,
            user: user(of: image), sshNetworks: networks, sshConfig: sshConfig)
    }

    private func copies(of image: StartableImage, _ client: AWSClient) throws -> [String: Machines] {
        try GuestCopy.allCases.reduce(into: [:]) { copies, copy in
            let site = BuildSite(
                client, try image.assetID(ofCopy: copy.rawValue), names: names, pace: try live.pace(),
                lifetime: .seconds(hours * 3600))
            copies[copy.rawValue] = live.machines(site)
        }
    }
}

extension Live {
    /// What the options and the definition, where there is one, say of copies of an AMI.
    func trial(_ reach: ReachOptions, _ options: DefinitionOptions) throws -> AMITrial {
        let isDefined = fileExists(options.file) || !options.settings.isEmpty
        let definition = isDefined ? try loaded(options).definition.definition : nil
        return AMITrial(
            live: self, names: definition?.names ?? .init(),
            instanceType: (definition?.aws ?? .init()).instanceType, user: (definition?.user ?? .init()).name,
            jupyterPort: (definition?.ports ?? .init()).jupyter, networks: try reach.networks,
            sshConfig: try existing(reach.sshConfig), hours: reach.lifetime)
    }
}
