import FoundationEssentials
import Sandbox
import Workbench

/// `manifest.json` beside the images: what they are, what they lack and what they were made from.
///
/// It is written last; a folder without it holds no finished build.
package struct Manifest: Sendable, Equatable, Codable {
    package struct File: Sendable, Equatable, Codable {
        package var name: String
        package var format: ImageFormat
        package var bytes: Int64
        package var sha256: String
    }

    package var name: String
    package var version: String
    package var assetID: AssetID
    /// Time of the build in UTC, ISO 8601.
    package var built: Date
    package var distribution: String
    package var suite: String
    package var architecture: Architecture
    package var user: String
    package var jupyterPort: Int
    /// Virtual size of the disk in MiB.
    package var diskMiB: Int
    package var files: [File]
    package var missing: [MissingComponent]
    /// Hash of all that went into the images but the password.
    package var inputs: String

    init(_ order: BuildOrder, files: [File], missing: [MissingComponent], inputs: String, built: Date) {
        let definition = order.definition
        name = definition.name
        version = definition.version
        assetID = order.assetID
        self.built = built
        distribution = definition.base.distribution.rawValue
        suite = definition.base.suite
        architecture = definition.base.architecture
        user = definition.user.name
        jupyterPort = definition.ports.jupyter
        diskMiB = definition.disk.sizeMiB
        self.files = files
        self.missing = missing
        self.inputs = inputs
    }

    /// The lines of `SHA256SUMS`, as `sha256sum --check` reads them.
    var checksums: String {
        files.map { "\($0.sha256)  \($0.name)\n" }.joined()
    }

    func artifacts(in folder: String) -> [Artifact] {
        files.map {
            Artifact(format: $0.format, location: "\(folder)/\($0.name)", bytes: $0.bytes, sha256: $0.sha256)
        }
    }

    package static func read(_ path: String) throws -> Manifest {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(Manifest.self, from: Data(readText(path).utf8))
    }

    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.dateEncodingStrategy = .iso8601
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }
}
