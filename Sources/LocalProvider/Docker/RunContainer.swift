import DiskImages
import Sandbox
import Verification
import Workbench

/// Starts the Docker image of a build for a person, reports how to reach it, and returns when the container has ended.
/// If the task is cancelled once JupyterLab answers, the container is stopped, and this function returns normally.
package func runContainer<Runner: CommandRunner>(
    of folder: AssetFolder<DirectoryStore>, runner: Runner, events: @escaping @Sendable (RunEvent) -> Void
) async throws {
    let container = try await loadedContainer(of: folder, runner)
    let name = "dss-run-\(folder.assetID.dashed)-\(UInt32.random(in: 0 ... .max))"
    let port = try freePorts(preferring: [container.jupyterPort])[0]
    events(.starting(container.reference, on: "Docker"))
    try await finally {
        try await runner.run(
            Command(
                "docker",
                [
                    "run", "--rm", "--detach", "--name", name, "--publish",
                    "127.0.0.1:\(port):\(container.jupyterPort)", container.reference,
                ]))
        let address = GuestAddress(host: "127.0.0.1", sshPort: 0, jupyterPort: port, consoleLog: "")
        try await GuestReadiness(of: address, within: .seconds(120), runner: runner) {
            events(.progress($0.activity))
        }.waitForJupyter(on: container.jupyterPort)
        let log = try await runner.execute(Command("docker", ["logs", name]))
        let link = JupyterLink(in: log.standardOutput + log.standardError, port: container.jupyterPort)
        events(.ready(RunningSandbox(port: port, link: link, shell: .docker(name: name, user: container.user))))
        await waitUntilRemoved(name, runner)
        if Task.isCancelled { events(.stopping) }
    } cleanup: {
        // --rm removes a container that has stopped; one that was only created stays.
        _ = try? await runner.execute(Command("docker", ["stop", name]))
        _ = try? await runner.execute(Command("docker", ["rm", "--force", "--volumes", name]))
    }
    events(.stopped)
}

/// Waits until a container that was started with `--rm` has ended, or until the task is cancelled. `docker restart`, with
/// which a new password of JupyterLab takes effect, ends `docker wait` as well, but keeps the container.
private func waitUntilRemoved(_ name: String, _ runner: some CommandRunner) async {
    while let output = try? await runner.execute(Command("docker", ["wait", name])), output.status.isSuccess {
        do { try await Task.sleep(for: .milliseconds(200)) } catch { return }
    }
}

/// The Docker image of a build, which must be loaded into the Docker daemon. `docker run` would pull it otherwise, and
/// what is published under its name need not be this build.
/// - Throws: `Failure` if there is no such image, or no daemon that has it.
private func loadedContainer(
    of folder: AssetFolder<DirectoryStore>, _ runner: some CommandRunner
) async throws -> Manifest.Container {
    let load = "sudo dss create-docker-image --load --asset-id \(shellQuoted(folder.assetID.rawValue))"
    guard let container = try await folder.manifest()?.container else {
        throw Failure(
            .badData, "no finished Docker image of '\(folder.assetID)' in \(folder.path)",
            advice: "build and load it with: \(load)")
    }
    let version = try await runner.execute(Command("docker", ["version", "--format", "{{.Server.Version}}"]))
    guard version.status.isSuccess else {
        throw Failure(
            .unavailable, "no Docker daemon responds",
            details: version.standardError.split(separator: "\n").map(String.init),
            advice: "start it, for example with: sudo systemctl start docker")
    }
    let image = Command("docker", ["image", "inspect", "--format", "{{.Id}}", container.reference])
    guard try await runner.execute(image).status.isSuccess else {
        throw Failure(
            .unavailable, "the image \(container.reference) is not loaded into Docker", advice: "load it with: \(load)")
    }
    return container
}
