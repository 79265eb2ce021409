import Sandbox

/// The operating system of a machine that is there.
package struct HostSystem: Sendable, Equatable {
    /// `debian`.
    package var distribution: String
    /// The code name of the release: `bookworm`.
    package var suite: String
    /// As dpkg calls it; `nil` where there is no dpkg.
    package var architecture: String?

    static let question = "cat /etc/os-release; echo \"ARCHITECTURE=$(dpkg --print-architecture)\"\n"

    /// - Parameter answer: lines of `NAME=value`, as in `/etc/os-release`.
    init(_ answer: String) {
        var values: [String: String] = [:]
        for line in answer.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[String(parts[0])] = parts[1].filter { $0 != "\"" } }
        }
        distribution = values["ID"] ?? "unknown"
        suite = values["VERSION_CODENAME"] ?? values["VERSION_ID"] ?? "unknown"
        architecture = values["ARCHITECTURE"]
    }

    /// - Throws: `Failure` where versions that are pinned for that base do not fit.
    package func expect(_ base: SandboxDefinition.BaseSystem, on host: String) throws {
        let wanted = [base.distribution.rawValue, base.suite, base.architecture.rawValue]
        let found = [distribution, suite, architecture ?? base.architecture.rawValue]
        guard found != wanted else { return }
        throw Failure(
            .badData,
            "\(host) runs \(found.joined(separator: " ")), the definition is for \(wanted.joined(separator: " "))",
            advice: "take a machine with that system, or change base and the pins of the definition")
    }
}
