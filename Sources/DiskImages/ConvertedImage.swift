import Sandbox

/// An image that passed all checks and waits under a temporary name for being renamed into place.
package struct ConvertedImage: Sendable, Equatable {
    package var format: ImageFormat
    /// Absolute, in the directory that the final name will be in.
    package var temporaryPath: String
    package var finalName: String
    /// Length of the file, holes included.
    package var bytes: Int64
    /// Lower-case hexadecimal.
    package var sha256: String

    package init(format: ImageFormat, temporaryPath: String, finalName: String, bytes: Int64, sha256: String) {
        self.format = format
        self.temporaryPath = temporaryPath
        self.finalName = finalName
        self.bytes = bytes
        self.sha256 = sha256
    }

    /// The name of a file that is still being made: `.sandbox.vhd.partial`.
    package static func partialName(of finalName: String) -> String { ".\(finalName).partial" }

    /// Whether a file of this name is what an export that was killed left behind.
    package static func isPartialName(_ name: String) -> Bool {
        name.hasPrefix(".") && name.hasSuffix(".partial")
    }
}
