import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Finds out what an image file is and whether it is whole, from its content.
package struct ImageInspector: Sendable {
    private let runner: any CommandRunner

    package init(runner: any CommandRunner) {
        self.runner = runner
    }

    /// - Throws: `Failure` with code `.badData` where it is missing, no image, damaged or cut off.
    package func inspect(_ path: String) async throws -> ImageInfo {
        try await inspect(path, as: nil)
    }

    /// - Parameter expected: the format where it is known; a file that is another one fails.
    func inspect(_ path: String, as expected: ImageFormat?) async throws -> ImageInfo {
        try requireFile(path)
        let signature = try ImageSignature(path: path)
        guard expected == nil || expected == signature.format else {
            throw Failure(
                .badData, "\(path) is \(signature.format.rawValue) and should be \(expected?.rawValue ?? "")")
        }
        if let mistake = signature.mistake { throw Failure(.badData, "\(path) is \(mistake)") }
        let node = try ImageNode(path: path, format: signature.format)
        let answer = try await ask(
            path,
            Command(
                "qemu-img", ["info", "--output=json", "--image-opts", node.options], environment: ["LC_ALL": "C"]))
        let description = try decode(path, answer)
        if signature.format == .qcow2 || signature.format == .vmdk {
            _ = try await ask(
                path,
                Command(
                    "qemu-img", ["check", "-q", "--image-opts", node.options], environment: ["LC_ALL": "C"]))
        }
        let size = try FileSize(of: path)
        return ImageInfo(
            format: signature.format, virtualBytes: description.virtualSize, fileBytes: size.length,
            actualBytes: size.allocated, subformat: signature.subformat ?? description.subformat)
    }

    private func requireFile(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Failure(
                .badData, "there is no image \(path)", advice: "dss show-assets lists the images of this machine")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(.badData, "\(path) is not a regular file, and so no image")
        }
        guard access(path, R_OK) == 0 else { throw Failure(.noPermission, "\(path) may not be read") }
    }

    private func ask(_ path: String, _ command: Command) async throws -> String {
        let output = try await runner.execute(command)
        try Task.checkCancellation()
        guard output.status.isSuccess else {
            throw Failure(
                .badData, "\(path) is damaged or cut off", details: CommandFailure(command, output).lastLines,
                advice: "compare its SHA-256 with SHA256SUMS and load it again")
        }
        return output.standardOutput
    }

    private func decode(_ path: String, _ answer: String) throws -> QemuImageDescription {
        do {
            return try JSONDecoder().decode(QemuImageDescription.self, from: Data(answer.utf8))
        } catch {
            throw Failure(.badData, "qemu-img says of \(path) what this program does not understand: \(error)")
        }
    }
}

/// What `qemu-img info --output=json` says, as far as it matters here.
struct QemuImageDescription: Decodable, Equatable {
    var virtualSize: Int64
    var subformat: String?

    private enum CodingKeys: String, CodingKey {
        case virtualSize = "virtual-size"
        case specific = "format-specific"
    }

    private struct Specific: Decodable {
        struct Content: Decodable {
            var createType: String?
            var compression: String?

            enum CodingKeys: String, CodingKey {
                case createType = "create-type"
                case compression = "compression-type"
            }
        }
        var data: Content
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        virtualSize = try container.decode(Int64.self, forKey: .virtualSize)
        let content = try? container.decode(Specific.self, forKey: .specific).data
        subformat = content?.createType ?? content?.compression
    }
}
