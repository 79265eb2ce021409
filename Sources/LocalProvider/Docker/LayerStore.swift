import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// A finished layer: the path of its compressed archive, and its digests.
struct Layer: Sendable, Equatable, Codable {
    /// Digest of the compressed file, `sha256:…`.
    var digest: String
    /// Digest of the archive before compression, `sha256:…`.
    var diffID: String
    var bytes: Int64
    var mediaType: String
    /// Path of the file; another build may have stored it elsewhere.
    var path: String

    var fileName: String { String(digest.drop { $0 != ":" }.dropFirst()) }
}

/// Compression of the layers of an image.
package enum LayerCompression: String, Sendable, Codable, CaseIterable {
    /// Supported by every engine and registry.
    case gzip
    /// Smaller and several times faster; supported by engines since 2023 (Docker 23, containerd 1.5, Podman 2).
    case zstd

    /// The media type of a layer (OCI image specification, "Image Layer Filesystem Changeset").
    var mediaType: String { "application/vnd.oci.image.layer.v1.tar+\(rawValue)" }

    /// The command that compresses standard input to standard output. Its output is the same on any number of
    /// processors; for pigz, that is true only with two or more.
    func command(processors: Int) -> [String] {
        switch self {
        case .gzip: ["pigz", "--no-name", "-6", "--processes", "\(max(2, processors))"]
        case .zstd: ["zstd", "--quiet", "-3", "-T\(max(1, processors))"]
        }
    }
}

/// Compresses layers during the installation: while a step runs, the trees of earlier steps are compressed.
actor LayerCompressor {
    private let store: LayerStore
    private var tasks: [Task<Layer, any Error>] = []
    private let events: EventSink

    init(_ store: LayerStore, events: @escaping EventSink) {
        self.store = store
        self.events = events
    }

    /// Starts to compress a tree, which must no longer change.
    func add(_ tree: CachedTree, named name: String) {
        tasks.append(
            Task { [store, events] in
                try await activity("layer \(name)", events) { try await store.layer(of: tree) }
            })
    }

    /// Waits for the layers of all trees and returns them in the order in which the trees were added.
    func layers() async throws -> [Layer] {
        var layers: [Layer] = []
        for (index, task) in tasks.enumerated() {
            events(.progress(.export, Progress("compressing layer \(index + 1) of \(tasks.count)")))
            layers.append(
                try await withTaskCancellationHandler {
                    try await task.value
                } onCancel: {
                    task.cancel()
                })
        }
        return layers
    }

    /// Cancels the running compressions and waits until their partly written files are removed.
    func stop() async {
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.result }
    }
}

/// Stores each layer next to the tree that it is made from, so that an unchanged tree is compressed only once.
struct LayerStore: Sendable {
    /// Version of the archives; it changes whenever the same tree would produce a different archive.
    private static let format = "1"

    var runner: any CommandRunner
    /// Directory of partly written layers, on the file system of the trees. The leftovers of a killed build in it are
    /// found by its asset id.
    var workspace: String
    var compression: LayerCompression
    var usesCache: Bool

    /// Returns the cached layer of a tree, or creates a new one.
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

    /// - Returns: the cached layer of a tree; `nil` if its file is missing or has a different length. Its content is
    ///   verified by its digest whenever it is copied.
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
        // The installation, which runs at the same time, has priority.
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

/// JSON with sorted keys and no white space, so that the same value always has the same digest.
func canonicalJSON(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
