import AWSProvider
import Reporting
import Sandbox

/// How a build is shown, wherever it runs.
extension OutputOptions {
    func build(
        _ order: BuildOrder, on provider: some VMProvider, with provisioner: some Provisioner
    ) async throws -> BuildReport {
        let writer = EventWriter(self)
        return try await writer.live {
            try await Sandbox.createVM(order, on: provider, with: provisioner, events: writer.sink)
        }
    }

    /// The report, on standard output; with the password where it was made for this build.
    func show(_ result: BuildReport, _ order: BuildOrder) {
        var generated: Secret?
        if case .generated(let secret) = order.password { generated = secret }
        let terminal = Terminal.standardOutput
        terminal.write(json ? result.event(password: generated) : result.text(terminal.style, password: generated))
    }
}

extension ImagePublication {
    /// Puts the report of a build beside its images, unless there was nothing to do.
    func publish(_ result: BuildReport) async throws {
        guard !result.stages.isEmpty else { return }
        try await publishReport(markdown: result.markdown, json: result.json().pretty + "\n")
    }
}
