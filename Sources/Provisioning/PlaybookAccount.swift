import Sandbox
import Workbench

/// What the plugins said about a run of a playbook.
///
/// Ansible ends with exit code 0 as well if it found no host, and if it could not load a plugin. The layer of a step
/// that did not run would be cached under a valid key.
struct PlaybookAccount: Equatable {
    private var plugins: Set<String> = []
    private var foundNoHosts = false
    /// `nil` before the end of the playbook.
    private var hosts: [String]?

    mutating func add(_ event: AnsibleEvent) {
        switch event.event {
        case .pluginLoaded: if let name = event.name { plugins.insert(name) }
        case .noHostsMatched: foundNoHosts = true
        case .stats: hosts = event.hosts ?? []
        case .taskStarted, .taskFinished: break
        }
    }

    /// Why a run that ended with success did not run the step on the machine; `nil` if it did.
    func failure(of run: PlaybookRun, _ output: CommandOutput) -> Failure? {
        guard let (reason, advice) = problem(run) else { return nil }
        return Failure(
            .failed, "Ansible ended without an error, but \(reason)", details: PlaybookRun.lastLines(output),
            advice: advice)
    }

    private func problem(_ run: PlaybookRun) -> (reason: String, advice: String)? {
        let missing = ["dss_reads", "dss_step"].filter { !plugins.contains($0) } + (hosts == nil ? ["dss_events"] : [])
        if !missing.isEmpty {
            return (
                "did not load its plugin \(missing.joined(separator: ", ")) from \(run.directory)",
                "check that \(run.ansible) is ansible-core 2.14 or newer, and use a state directory with a plain name"
            )
        }
        // A step without tasks has no hosts in its statistics.
        guard !foundNoHosts, let hosts, hosts.isEmpty || hosts.contains(run.endpoint.alias) else {
            return (
                "the play in \(run.playbook.file) ran on no machine of the build",
                "use 'hosts: all' in \(run.playbook.file)"
            )
        }
        return nil
    }
}
