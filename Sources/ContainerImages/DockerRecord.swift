import FoundationEssentials
import Sandbox
import Workbench

/// `docker-image.json` beside a finished image: what it is and what it was made from. It is written last.
package struct DockerRecord: Sendable, Codable, Equatable {
    package static let fileName = "docker-image.json"

    package struct Part: Sendable, Codable, Equatable {
        package var name: String
        package var digest: String
        package var bytes: Int64
    }

    package var assetID: AssetID
    /// `[HOST[:PORT]/]ORG/REPO:VERSION`
    package var reference: String
    /// The manifest's digest.
    package var digest: String
    package var layers: [Part]
    package var missing: [MissingComponent]
    package var user: String
    package var jupyterPort: Int
    package var inputs: String
    /// Whether a registry has it under that reference.
    package var isPublished = false

    package var bytes: Int64 { layers.map(\.bytes).reduce(0, +) }
    package var pullLine: String { "docker pull \(reference)" }

    package static func read(_ path: String) -> DockerRecord? {
        FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(Self.self, from: $0) }
    }

    package var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    func write(_ path: String) throws { try writeAtomically(try json, to: path) }
}
