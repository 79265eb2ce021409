import FoundationEssentials
import Sandbox

extension ImageConfiguration {
    /// What a container of the sandbox is started with.
    init(_ order: DockerOrder, layers: [Layer], names: [String]) {
        let definition = order.build.definition
        let home = "/home/\(definition.user.name)"
        let port = definition.ports.jupyter
        architecture = definition.base.architecture.rawValue
        created = Date(timeIntervalSince1970: Double(order.created)).formatted(.iso8601)
        config = Config(
            environment: [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
            ],
            entrypoint: [Self.entryPoint], exposedPorts: ["\(port)/tcp": Empty()],
            volumes: ["\(home)/notebooks": Empty()], workingDirectory: "\(home)/notebooks", labels: order.labels,
            healthcheck: Healthcheck(
                test: [
                    "CMD", "curl", "--fail", "--silent", "--noproxy", "*", "--output", "/dev/null",
                    "http://127.0.0.1:\(port)/api",
                ], interval: 30 * second, timeout: 10 * second, startPeriod: 30 * second, retries: 3))
        rootfs = RootFS(diffIDs: layers.map(\.diffID))
        history = names.map { [created] in History(created: created, createdBy: "dss: \($0)") }
    }

    static let entryPoint = "/usr/local/sbin/dss-entrypoint"
}

private let second: Int64 = 1_000_000_000

extension DockerOrder {
    /// The labels that the OCI image specification proposes ("Pre-Defined Annotation Keys").
    var labels: [String: String] {
        let definition = build.definition
        let prefix = "org.opencontainers.image."
        var labels = [
            "\(prefix)title": definition.name, "\(prefix)version": version,
            "\(prefix)description": "Data-science sandbox: JupyterLab, Poetry and a Docker client",
            "\(prefix)source": "https://github.com/\(definition.github.repository)", "\(prefix)licenses": "MIT",
        ]
        labels["\(prefix)revision"] = revision
        return labels
    }
}
