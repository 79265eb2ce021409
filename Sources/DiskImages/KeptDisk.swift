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
    /// - Parameter image: absolute path of the image.
    /// - Throws: `Failure` with code `.badData` if the disk belongs to another image; `FileError` if it cannot be
    ///   written.
    package init(_ path: String, on image: String, runner: any CommandRunner) async throws {
        self.path = path
        guard [nil, .file].contains(FileKind(of: path)) else {
            throw Failure(
                .badData, "\(path) is not a regular file",
                advice: "choose another file for --keep; it is created if it does not exist")
        }
        let format = try await ImageInspector(runner: runner).inspect(image).format
        let base = try QemuBlockNode(path: image, format: format)
        let digest = try await sha256InBackground(of: image)
        let nodeName = "image-\(digest.prefix(Self.digestLength))"
        if fileExists(path) {
            guard access(path, R_OK | W_OK) == 0 else { throw FileError("open", path) }
            try await check(for: nodeName, of: image, runner)
        } else {
            try await create(on: base.named(nodeName), runner)
        }
    }

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

    private func check(for nodeName: String, of image: String, _ runner: any CommandRunner) async throws {
        // --force-share: another virtual machine may be using the disk, which QEMU reports better.
        let output = try await runner.execute(
            Command("qemu-img", ["info", "--force-share", "--output=json", path], environment: ["LC_ALL": "C"]))
        let info = try? JSONDecoder().decode(Header.self, from: Data(output.standardOutput.utf8))
        guard let info, info.format == "qcow2", let base = info.base, base.contains("image-") else {
            throw Failure(
                .badData, "\(path) was not created by 'run --keep'",
                advice: "choose another file; it is created if it does not exist")
        }
        guard base.contains(nodeName) else {
            throw Failure(
                .badData, "\(path) belongs to another image than \(image), or the image was built again",
                details: ["its image: \(base)"], advice: "choose another file for --keep, or run its own image")
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
