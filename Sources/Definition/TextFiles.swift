import FoundationEssentials
import Sandbox

/// Reads the files that a definition consists of; a value, so that tests need no disk.
package struct TextFiles: Sendable {
    /// The bytes of the file at an absolute path, `nil` where there is none.
    package var read: @Sendable (String) throws -> [UInt8]?

    package init(read: @escaping @Sendable (String) throws -> [UInt8]?) {
        self.read = read
    }

    /// Files of this machine.
    package static let disk = TextFiles { path in
        do {
            return [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return nil
        } catch {
            let reason = FileManager.default.isReadableFile(atPath: path) ? "it is not a plain file" : "no permission"
            throw Failure(.noPermission, "\(path) cannot be read: \(reason)")
        }
    }

    /// Files that exist only here.
    package static func memory(_ texts: [String: String]) -> TextFiles {
        TextFiles { texts[$0].map { Array($0.utf8) } }
    }
}
