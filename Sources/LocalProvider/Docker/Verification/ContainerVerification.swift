import FoundationEssentials
import Glibc
import Sandbox
import Verification
import Workbench

/// Runs the checks of one image.
struct ContainerVerification: Sendable {
    var host: any ContainerHost
    var log: ContainerCheckRunner

    private var image: ImageConfiguration { host.configuration }
    private static let password = Secret("dss verify \(UInt64.random(in: 0 ... .max))")

    func makeAll() async throws {
        try await log.make(.configuration) { image.problem }
        try await log.make(.noSecrets) { image.secret }
        try await withTemporaryDirectory(in: "/var/tmp") { directory in
            let volume = try TestVolume(in: directory)
            let socket = host.dockerSocket
            let mounts =
                [(source: volume.path, target: image.notebooks)]
                + (socket.map { [(source: $0, target: "/var/run/docker.sock")] } ?? [])
            let order = ContainerOptions(environment: ["JUPYTER_PASSWORD": Self.password.reveal], mounts: mounts)
            let before = socket.map(FileState.init)
            try await host.withContainer(order) { container in
                try await browse(container, in: directory)
                try await look(into: container, volume)
                try await runKernels(in: container)
                if let socket {
                    try await log.make(.socket) {
                        try await socketProblem(container)
                            ?? (FileState(socket) == before ? nil : "\(socket) was changed")
                    }
                } else {
                    await log.skip(.socket, "no Docker daemon is available")
                }
                try await log.make(.stops) {
                    try await container.stop(within: .seconds(5)) ? nil : "the container had to be killed"
                }
            }
        }
    }

    private func browse(_ container: any RunningContainer, in directory: String) async throws {
        let client = JupyterClient(
            runner: container.runner.erased, address: container.address, directory: directory)
        try await log.make(.answers) {
            let deadline = ContinuousClock.now + .seconds(60)
            while true {
                let answer = try await client.get("/lab", limit: 5)
                if answer.asksForPassword { return nil }
                if answer.status != 0 || ContinuousClock.now > deadline {
                    return "/lab returned \(answer)\n\(await container.log())"
                }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        try await log.make(.refuses) {
            let answer = try await client.logIn(with: Secret("wrong"))
            return answer.letsIn ? "JupyterLab accepted a wrong password" : answer.status == 0 ? "\(answer)" : nil
        }
        try await log.make(.letsIn) {
            let login = try await client.logIn(with: Self.password)
            guard login.letsIn else { return "the login form returned \(login)" }
            let lab = try await client.get("/lab")
            return lab.status == 200 ? nil : "/lab returned \(lab)"
        }
    }

    private func look(into container: any RunningContainer, _ volume: TestVolume) async throws {
        try await log.make(.healthy) {
            let test = image.config.healthcheck.test.dropFirst().map(shellQuoted).joined(separator: " ")
            return try await container.problem("\(test) || echo 'the health check failed'", as: "root")
        }
        try await log.make(.user) { try await container.problem(ContainerScripts.process(image.user), as: image.user) }
        try await log.make(.notebooks) {
            try await container.problem(ContainerScripts.notebooks(image.notebooks, image.user), as: image.user)
        }
        try await log.make(.untouched) { volume.isUntouched ? nil : "\(TestVolume.file) was changed" }
        try await log.make(.tools) {
            try await container.problem(
                "poetry --version >/dev/null 2>&1 || echo poetry does not run; "
                    + "docker --version >/dev/null || echo docker does not run",
                as: image.user)
        }
        try await log.make(.traces) { try await container.problem(ContainerScripts.traces, as: "root") }
    }

    /// Runs the checks that are the same as in a virtual machine.
    private func runKernels(in container: any RunningContainer) async throws {
        let expectations = Expectations(
            user: image.user, password: Self.password, jupyterPort: image.port,
            paths: .init(notebooks: image.notebooks))
        let checks = KernelChecks(expectations, secret: Self.password)
        try await log.make(Check.allCases.filter { $0.source == .kernels }) {
            let output = try await container.run(checks.command, as: image.user, input: .text(try checks.program))
            guard output.status.isSuccess else {
                throw Failure(
                    .failed, "the program in the container ended with \(output.status)",
                    details: [output.standardError.trimmedLine])
            }
            let facts = Facts(output.standardOutput)
            return { judge($0, facts, expectations) }
        }
    }

    private func socketProblem(_ container: any RunningContainer) async throws -> String? {
        try await container.problem("docker ps >/dev/null", as: image.user)
    }
}

extension RunningContainer {
    /// Runs a script that prints the problems it finds.
    /// - Returns: The output of the script, or its exit status if it failed without output; `nil` if all is well.
    fileprivate func problem(_ script: String, as user: String) async throws -> String? {
        let output = try await run(script, as: user, input: .none)
        let text = (output.standardOutput + output.standardError).trimmedLine
        guard text.isEmpty else { return text }
        return output.status.isSuccess ? nil : "the check ended with \(output.status)"
    }
}

extension CommandRunner {
    /// The runner as a concrete type, for code that is generic over runners.
    fileprivate var erased: PrefixedRunner { PrefixedRunner(runner: self, prefix: ["env"]) }
}

/// Shell scripts that run in a container and print the problems they find.
enum ContainerScripts {
    static func process(_ user: String) -> String {
        """
        pid=$(pgrep -f 'jupyter-lab|jupyter lab' -u \(shellQuoted(user)) | head -n 1)
        [ -n "$pid" ] || { echo 'no JupyterLab process runs as \(user)'; exit; }
        tr '\\0' '\\n' </proc/"$pid"/environ | grep '^JUPYTER_PASSWORD' | sed 's/=.*/ is in the environment/'
        [ "$(cat /proc/1/comm)" = tini ] || echo "process 1 is $(cat /proc/1/comm)"
        ps -e -o user= -o comm= | awk '$1 == "root" && $2 ~ /jupyter|python/ { print $2 " runs as root" }'
        """
    }

    static func notebooks(_ folder: String, _ user: String) -> String {
        """
        cd \(shellQuoted(folder)) || exit
        for file in /usr/local/share/dss/notebooks/*; do [ -e "${file##*/}" ] || echo "${file##*/} is missing"; done
        find . ! -user \(shellQuoted(user)) | sed 's/$/ has a different owner/'
        [ -w . ] || echo "\(user) cannot write to the notebooks directory"
        """
    }

    static let traces = """
        find /run/dss /opt/dss-uv /usr/local/lib/dss/seal.d /root/.ansible /root/.cache /root/.ssh /root/.config/pip \
        /root/.netrc /etc/pip.conf /home/*/.ansible /home/*/.ssh /home/*/.config/pip /home/*/.netrc -maxdepth 0 2>/dev/null
        find /var/lib/apt/lists /var/cache/apt/archives /var/log /usr/local/share/ca-certificates -type f ! -name lock
        find /etc/ssh -name 'ssh_host_*'
        find / -xdev -name '.*_history' 2>/dev/null
        find /boot /lib/modules -name 'vmlinuz*' 2>/dev/null
        [ ! -s /etc/machine-id ] || echo '/etc/machine-id is not empty'
        grep -rlsE '^[^#]*Acquire::[a-z]+::(.*::)?Proxy' /etc/apt
        grep -sE '(proxy|PROXY|_CA_|CERT)' /etc/environment
        awk -F: '$2 ~ /^\\$/ { print "a password is set for " $1 }' /etc/shadow
        true
        """
}
