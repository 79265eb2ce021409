import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// A disk that keeps what a guest writes: a QCOW2 file with the differences from an image, which stays as it is.
package struct KeptDisk: Sendable, Equatable {
    package let path: String

    /// Opens the disk, which is created if it does not exist.
    ///
    /// QEMU does not notice if the image was replaced, for example by another build, and the guest would find a corrupt
    /// file system. The disk therefore records the SHA-256 of its image, as the name of the block node.
    /// - Parameters:
    ///   - image: absolute path of the image.
    ///   - assetID: the build that the image is of, for errors.
    /// - Throws: `Failure` with code `.badData` if the disk belongs to another image; `FileError` if it cannot be
    ///   written.
    package init(_ path: String, on image: String, of assetID: String, runner: any CommandRunner) async throws {
        self.path = path
        guard [nil, .file].contains(FileKind(of: path)) else {
            throw Failure(
                .badData, "\(path) is not a regular file",
                advice: "choose another file for --keep; it is created if it does not exist")
        }
        let format = try await ImageInspector(runner: runner).inspect(image).format
        let base = try QemuBlockNode(path: image, format: format)
        let digest = String(try await sha256InBackground(of: image).prefix(Self.digestLength))
        if fileExists(path) {
            guard access(path, R_OK | W_OK) == 0 else { throw FileError("open", path) }
            try await requireImage(image, digest, of: assetID, runner)
        } else {
            try await create(on: base.named(Self.nodePrefix + digest), runner)
        }
    }

    /// The path that the image of a disk had when the disk was made; `nil` if `run --keep` made no such disk.
    package static func image(of path: String, runner: any CommandRunner) async throws -> String? {
        fileExists(path) ? try await Record.read(path, runner)?.image : nil
    }

    private static let nodePrefix = "image-"

    /// A node name has at most 31 characters.
    private static let digestLength = 24

    /// The block node of the disk; the place of its image need not be the one in its header.
    func node(on base: QemuBlockNode) -> QemuBlockNode {
        var node = QemuBlockNode(driver: "qcow2", path: path)
        node.list += base.list.map { .init(key: "backing.\($0.key)", value: $0.value) }
        return node
    }

    static func creation(_ path: String, on base: QemuBlockNode) throws -> Command {
        let driver = base.list.first { $0.key == "driver" }?.value ?? "raw"
        return Command(
            "qemu-img", ["create", "-q", "-f", "qcow2", "-F", driver, "-b", try base.address, path],
            environment: ["LC_ALL": "C"])
    }

    /// Creates the disk, which only its owner may read: the guest will store passwords and keys on it.
    private func create(on base: QemuBlockNode, _ runner: any CommandRunner) async throws {
        try writeAtomically("", to: path, mode: 0o600)
        do {
            try await runner.run(Self.creation(path, on: base))
        } catch {
            try? removeFile(path)
            throw error
        }
    }

    private func requireImage(
        _ image: String, _ digest: String, of assetID: String, _ runner: any CommandRunner
    ) async throws {
        guard let record = try await Record.read(path, runner) else {
            throw Failure(
                .badData, "\(path) was not created by 'run --keep'",
                advice: "choose another file; it is created if it does not exist")
        }
        guard record.digest != digest else { return }
        let newFile = "choose another file for --keep"
        guard record.image != image else {
            throw Failure(
                .badData, "\(image) (asset id \(assetID)) was replaced after \(path) was made of it",
                details: ["SHA-256 of its image: \(record.digest)…", "SHA-256 of the image now: \(digest)…"],
                advice: "to continue with the disk, put its image back; to start anew, \(newFile)")
        }
        throw Failure(
            .badData, "\(path) was made of \(record.image), not of \(image) (asset id \(assetID))",
            advice: fileExists(record.image)
                ? "dss run \(shellQuoted(record.image)) --keep \(shellQuoted(path)), or \(newFile)"
                : "its image is gone: to continue with the disk, put it back; to start anew, \(newFile)")
    }

    /// What a disk records of its image.
    private struct Record {
        var image: String
        /// The beginning of its SHA-256.
        var digest: String

        static func read(_ path: String, _ runner: any CommandRunner) async throws -> Record? {
            // --force-share: another virtual machine may be using the disk, which QEMU reports better.
            let output = try await runner.execute(
                Command("qemu-img", ["info", "--force-share", "--output=json", path], environment: ["LC_ALL": "C"]))
            let header = try? JSONDecoder().decode(Header.self, from: Data(output.standardOutput.utf8))
            guard let header, header.format == "qcow2", let base = header.base, base.hasPrefix("json:"),
                let options = try? JSONDecoder().decode([String: String].self, from: Data(base.utf8.dropFirst(5))),
                let name = options["node-name"], name.hasPrefix(nodePrefix),
                let image = options.first(where: { $0.key.hasSuffix("filename") })?.value
            else { return nil }
            return Record(image: image, digest: String(name.dropFirst(nodePrefix.count)))
        }
    }

    private struct Header: Decodable {
        var format: String
        var base: String?

        enum CodingKeys: String, CodingKey {
            case format
            case base = "backing-filename"
        }
    }
}

extension KeptDisk {
    /// A disk that a running guest writes to, and the image that it needs.
    package struct Use: Sendable, Equatable {
        package var disk: String
        package var image: String

        /// - Returns: `nil` if the guest with this command line discards what it writes.
        init?(commandLine words: [String]) {
            guard let drive = words.first(where: { $0.hasPrefix("if=none,id=disk,cache=writeback,") }) else {
                return nil
            }
            let options = QemuBlockNode.values(in: drive)
            guard let disk = options["file.filename"],
                let image = options["backing.file.filename"] ?? options["backing.file.file.filename"]
            else { return nil }
            (self.disk, self.image) = (disk, image)
        }
    }
}

extension QemuBlockNode {
    fileprivate func named(_ name: String) -> QemuBlockNode {
        var node = self
        node.list.append(Option(key: "node-name", value: name))
        return node
    }

    /// The node as a file name for QEMU.
    fileprivate var address: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let options = Dictionary(uniqueKeysWithValues: list.map { ($0.key, $0.value) })
            return "json:" + String(decoding: try encoder.encode(options), as: UTF8.self)
        }
    }
}
