import Sandbox
import Workbench

/// The pins that may be the reason for the failure of a task.
package enum SuspectedPins: Sendable, Equatable {
    case apt
    /// The text names the environment, as in `datascience in /home/ubuntu/env is incomplete`.
    case pip(String)

    /// - Returns: `nil` if the task does not install packages, or says which pins are missing.
    init?(_ task: TaskResult) {
        if task.message?.contains("pins add ") == true { return nil }
        let module = task.module?.split(separator: ".").last.map(String.init) ?? ""
        let text = [task.name, task.message ?? ""].joined(separator: "\n")
        let runsProgram = ["command", "shell", "raw", "script"].contains(module)
        if task.role == "apt_packages" || ["apt", "package"].contains(module)
            || runsProgram && text.contains(/\bapt(-get)?\b/)
        {
            self = .apt
        } else if task.role == "python_env" || module == "pip" || runsProgram && text.contains(/\b(pip3?|uv)\b/) {
            self = .pip(text)
        } else {
            return nil
        }
    }
}

extension PinsCheck {
    /// Says which versions the index has of packages without a pin.
    package func offer(_ packages: [String]) async throws -> Failure {
        let versions = try await index.aptVersions(of: packages).compactMapValues(\.first)
        let details = packages.map { name in
            versions[name].map { "\(name): \($0) is available" } ?? "\(name): not in the package index"
        }
        let known = packages.filter { versions[$0] != nil }
        return Failure(
            .badData, "the pins lack what roles install", details: details,
            advice: known.isEmpty ? nil : "dss pins add apt \(known.joined(separator: " "))")
    }

    /// The pins that are no longer available, among those that a failed installation may have asked for. Unlike
    /// `check`, it does not look for newer versions, which takes most of the time.
    package func gone(_ pins: Pins, _ suspects: SuspectedPins) async throws -> [PinStatus] {
        switch suspects {
        case .apt:
            let versions = try await index.aptVersions(of: Array(pins.apt.keys))
            return pins.apt.sorted { $0.key < $1.key }.map {
                PinStatus.judge(.apt, $0.key, pinned: $0.value, versions: versions[$0.key] ?? [])
            }.filter { $0.state == .gone }
        case .pip(let text):
            let python = try await pythonVersion()
            let all = Set(pins.pip.keys).union(pins.pipLocked.keys).sorted()
            let named = all.filter { text.contains("\($0) in ") }
            var found: [PinStatus] = []
            for group in named.isEmpty ? all : named {
                let wheels = try await index.wheels(
                    of: pins.versions(of: group), fromSource: Array(pins.pipSource.keys), pythonVersion: python)
                guard wheels == nil else { continue }
                found += try await checkPython(pins, group, python).filter { [.gone, .unlisted].contains($0.state) }
            }
            return found
        }
    }
}
