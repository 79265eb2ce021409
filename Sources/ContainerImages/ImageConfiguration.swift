/// The configuration of an image as the OCI image specification has it, with Docker's health check.
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

    /// Times in nanoseconds.
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
