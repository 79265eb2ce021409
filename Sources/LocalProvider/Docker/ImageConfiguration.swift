import FoundationEssentials
import Sandbox

/// The configuration of an image as defined by the OCI image specification, with Docker's health check.
struct ImageConfiguration: Sendable, Codable, Equatable {
    var architecture: String
    var os = "linux"
    var created: String
    var config: Config
    var rootfs: RootFS
    var history: [History]

    struct Config: Sendable, Codable, Equatable {
        var environment: [String]
        var entrypoint: [String]
        var exposedPorts: [String: Empty]
        var volumes: [String: Empty]
        var workingDirectory: String
        var labels: [String: String]
        var healthcheck: Healthcheck
        var stopSignal = "SIGTERM"

        enum CodingKeys: String, CodingKey {
            case environment = "Env"
            case entrypoint = "Entrypoint"
            case exposedPorts = "ExposedPorts"
            case volumes = "Volumes"
            case workingDirectory = "WorkingDir"
            case labels = "Labels"
            case healthcheck = "Healthcheck"
            case stopSignal = "StopSignal"
        }
    }

    struct Empty: Sendable, Codable, Equatable {}

    /// Docker's health check; its times are in nanoseconds.
    struct Healthcheck: Sendable, Codable, Equatable {
        var test: [String]
        var interval: Int64
        var timeout: Int64
        var startPeriod: Int64
        var retries: Int

        enum CodingKeys: String, CodingKey {
            case test = "Test"
            case interval = "Interval"
            case timeout = "Timeout"
            case startPeriod = "StartPeriod"
            case retries = "Retries"
        }
    }

    struct RootFS: Sendable, Codable, Equatable {
        var type = "layers"
        var diffIDs: [String]

        enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }
    }

    struct History: Sendable, Codable, Equatable {
        var created: String
        var createdBy: String

        enum CodingKeys: String, CodingKey {
            case created
            case createdBy = "created_by"
        }
    }
}

extension ImageConfiguration {
    /// Creates the configuration with which containers of the sandbox start.
    init(_ order: DockerOrder, layers: [Layer], names: [String]) {
        let definition = order.build.definition
        let home = "/home/\(definition.user.name)"
        let port = definition.ports.jupyter
        architecture = definition.base.architecture.rawValue
        created = Date(timeIntervalSince1970: Double(order.created)).formatted(.iso8601)
        config = Config(
            // The same commands for `docker exec` as in a terminal of JupyterLab.
            environment: [
                "PATH=\(home)/env/bin:/opt/jupyterlab/bin:\(Self.path)", "VIRTUAL_ENV=\(home)/env", "LANG=C.UTF-8",
                "LC_ALL=C.UTF-8",
            ],
            entrypoint: [Self.entryPoint], exposedPorts: ["\(port)/tcp": Empty()],
            volumes: ["\(home)/notebooks": Empty()], workingDirectory: "\(home)/notebooks", labels: order.labels,
            healthcheck: Healthcheck(
                test: ["CMD", "/usr/local/lib/dss/check-health"], interval: 30 * second, timeout: 10 * second,
                startPeriod: 30 * second, retries: 3))
        rootfs = RootFS(diffIDs: layers.map(\.diffID))
        history = names.map { [created] in History(created: created, createdBy: "dss: \($0)") }
    }

    private static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    static let entryPoint = "/usr/local/sbin/dss-entrypoint"
}

private let second: Int64 = 1_000_000_000

extension DockerOrder {
    /// The labels that the OCI image specification suggests ("Pre-Defined Annotation Keys").
    var labels: [String: String] {
        let definition = build.definition
        let prefix = "org.opencontainers.image."
        var labels = [
            "\(prefix)title": definition.name, "\(prefix)version": version,
            "\(prefix)description":
                "JupyterLab with a data-science environment, tools for Exasol, Poetry and a Docker client",
            "\(prefix)source": "https://github.com/\(definition.github.repository)", "\(prefix)licenses": "MIT",
        ]
        labels["\(prefix)revision"] = revision
        return labels
    }
}

/// A reference to a file by its content (OCI image specification, "Content Descriptors").
struct Descriptor: Sendable, Codable, Equatable {
    var mediaType: String
    var digest: String
    var size: Int64
    var annotations: [String: String]?
}

/// The manifest of an image: its configuration and its layers.
struct ImageManifest: Sendable, Codable, Equatable {
    static let type = "application/vnd.oci.image.manifest.v1+json"
    static let configurationType = "application/vnd.oci.image.config.v1+json"

    var schemaVersion = 2
    var mediaType: String? = Self.type
    var config: Descriptor
    var layers: [Descriptor]
}

/// The index of the images in an image layout.
struct ImageIndex: Sendable, Codable, Equatable {
    var schemaVersion = 2
    var mediaType: String? = "application/vnd.oci.image.index.v1+json"
    var manifests: [Descriptor]
}
