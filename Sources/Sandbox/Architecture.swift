/// A processor architecture by its Debian name.
package enum Architecture: String, Sendable, Codable, CaseIterable {
    case amd64
    case arm64
}
