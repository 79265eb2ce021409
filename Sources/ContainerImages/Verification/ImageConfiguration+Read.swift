import FoundationEssentials
import Sandbox

extension ImageConfiguration {
    /// - Throws: `Failure` where the image has not what every image of this tool has.
    init(reading json: String, of image: String) throws {
        do { self = try JSONDecoder().decode(Self.self, from: Data(json.utf8)) } catch {
            throw Failure(
                .badData, "\(image) is no image of a sandbox: its configuration lacks what those have",
                details: ["\(error)"])
        }
    }

    /// The port of JupyterLab; 0 where none is exposed.
    var port: Int { config.exposedPorts.keys.first.flatMap { Int($0.prefix { $0 != "/" }) } ?? 0 }

    /// Where the volume of notebooks is mounted.
    var notebooks: String { config.volumes.keys.first ?? "" }

    /// Whose notebooks they are: `/home/USER/notebooks`.
    var user: String {
        let parts = notebooks.split(separator: "/")
        return parts.count == 3 && parts[0] == "home" ? String(parts[1]) : ""
    }
}
