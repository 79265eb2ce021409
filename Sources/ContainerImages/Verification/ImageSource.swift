import FoundationEssentials
import Sandbox
import Workbench

/// An image as a user names it: the folder of an OCI layout, or what `docker run` takes.
package enum ImageSource: Sendable, Equatable {
    case layout(ImageLayout, tag: String)
    case reference(String)

    package init(_ text: String) throws {
        let path = text.hasPrefix("oci:") ? String(text.dropFirst(4)) : text
        guard text.hasPrefix("oci:") || fileExists("\(path)/oci-layout") else {
            self = .reference(text)
            return
        }
        guard fileExists("\(path)/oci-layout") else {
            throw Failure(
                .badData, "\(path) is no OCI image layout", advice: "name the folder that has 'oci-layout' in it")
        }
        let layout = ImageLayout(directory: path)
        self = .layout(layout, tag: try layout.tag())
    }
}

extension ImageLayout {
    /// The name under which the image is in the layout.
    func tag() throws -> String {
        let data = Data(try readText("\(directory)/index.json").utf8)
        let index = try JSONDecoder().decode(ImageIndex.self, from: data)
        return index.manifests.first?.annotations?["org.opencontainers.image.ref.name"] ?? "latest"
    }
}
