import AWSCore
import Sandbox
import Workbench

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
