import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// A finished layer: where its compressed archive lies and what it is called by its content.
struct Layer: Sendable, Equatable, Codable {
    /// `sha256:…` of the compressed file.
    var digest: String
    /// `sha256:…` of the archive before compression.
    var diffID: String
    var bytes: Int64
    var mediaType: String
    /// Where the file lies; another build may have put it elsewhere.
    var path: String

    var fileName: String { String(digest.drop { $0 != ":" }.dropFirst()) }
}

/// How the layers of an image are compressed.
package enum LayerCompression: String, Sendable, Codable, CaseIterable {
    /// What every engine and registry understands.
    case gzip
    /// Smaller and several times faster; engines since 2023 (Docker 23, containerd 1.5, Podman 2) understand it.
    case zstd

    /// The OCI image specification, "Image Layer Filesystem Changeset".
    var mediaType: String { "application/vnd.oci.image.layer.v1.tar+\(rawValue)" }

    /// Reads standard input and writes standard output, the same bytes on any number of processors; pigz does so only
    /// where it has two or more.
    func command(processors: Int) -> [String] {
        switch self {
        case .gzip: ["pigz", "--no-name", "-6", "--processes", "\(max(2, processors))"]
        case .zstd: ["zstd", "--quiet", "-3", "-T\(max(1, processors))"]
        }
    }
}

/// Makes layers beside the installation: while a later step runs, the trees of earlier ones are compressed.
actor LayerCompressor {
    private let store: LayerStore
    private var tasks: [Task<Layer, any Error>] = []
    private let events: EventSink

    init(_ store: LayerStore, events: @escaping EventSink) {
        self.store = store
        self.events = events
    }

    /// Begins with a tree; it must not change any more.
    func add(_ tree: CachedTree, named name: String) {
        tasks.append(
            Task { [store, events] in
                try await activity("layer \(name)", events) { try await store.layer(of: tree) }
            })
    }

    /// The layers of all trees in their order, when they are ready.
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

    /// Ends what still runs; its half-written files are gone then.
    func stop() async {
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.result }
    }
}

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
