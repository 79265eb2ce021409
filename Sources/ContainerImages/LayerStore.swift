import FoundationEssentials
import Glibc
import LocalMachine
import Sandbox
import Workbench

/// Layers beside the tree that each was made from: an unchanged tree is compressed once.
struct LayerStore: Sendable {
    /// Changes when the same tree would give another archive.
    private static let format = "1"

    var runner: any CommandRunner
    /// Where half-written layers lie, on the file system of the trees; what a killed build leaves there is found by its
    /// asset id.
    var workspace: String
    var compression: LayerCompression
    var usesCache: Bool

    /// The layer of a tree: the one that is there, or a new one.
    func layer(of tree: CachedTree) async throws -> Layer {
        if usesCache, let layer = known(tree) { return layer }
        try makeDirectory(tree.products)
        return try await withTemporaryDirectory(in: workspace) { scratch in
            let blob = "\(scratch)/blob"
            let output = try await runner.run(command(tree.path, scratch: scratch, blob: blob))
            let digest = try sha256(of: blob)
            let path = "\(tree.products)/\(digest)"
            let layer = Layer(
                digest: "sha256:\(digest)", diffID: "sha256:\(output.trimmedLine)", bytes: try fileBytes(blob),
                mediaType: compression.mediaType, path: path)
            guard chmod(blob, 0o644) == 0 else { throw FileError("set the mode of", blob) }
            try renameFile(blob, to: path)
            try writeAtomically(try canonicalJSON(layer), to: record(tree))
            return layer
        }
    }

    /// - Returns: `nil` where the file is gone or has another length; whether its content is right is seen by its digest
    ///   whenever it is copied.
    private func known(_ tree: CachedTree) -> Layer? {
        guard let data = FileManager.default.contents(atPath: record(tree)),
            let layer = try? JSONDecoder().decode(Layer.self, from: data), (try? fileBytes(layer.path)) == layer.bytes
        else { return nil }
        return layer
    }

    private func record(_ tree: CachedTree) -> String {
        "\(tree.products)/layer-\(compression.rawValue)-\(Self.format).json"
    }

    func command(_ tree: String, scratch: String, blob: String) -> Command {
        let processors = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        // The installation that runs meanwhile goes first.
        return Command(
            "nice",
            ["-n", "10", "bash", "-c", String(decoding: PackageResources.layer_sh, as: UTF8.self), "layer.sh", tree]
                + [scratch, "\(Reproducible.time)", blob] + compression.command(processors: processors))
    }
}

func fileBytes(_ path: String) throws -> Int64 {
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileError("read", path) }
    return Int64(status.st_size)
}

/// JSON with sorted keys and nothing between them, so that the same value always has the same digest.
func canonicalJSON(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
