import FoundationEssentials
import Workbench

/// A pattern of absolute paths: `*` stands for any characters but slashes, `**` as a component for any number of
/// components.
package struct PathPattern: Sendable, Hashable {
    /// What each path begins with, to dismiss most of them quickly.
    private let prefix: String
    private let components: [[UInt8]]

    package init(_ text: String) {
        let start = String(text.prefix { $0 != "*" })
        // `/a/**` also stands for `/a`.
        prefix = start != text && start.hasSuffix("/") ? String(start.dropLast()) : start
        components = Self.components(of: text)
    }

    package func matches(_ path: String) -> Bool {
        guard path.utf8.starts(with: prefix.utf8) else { return false }
        return Self.matches(components[...], Self.components(of: path)[...])
    }

    /// The first component, by which patterns are looked up, or `nil` if it is not literal.
    var firstComponent: String? {
        guard let first = components.first, !first.contains(UInt8(ascii: "*")) else { return nil }
        return String(decoding: first, as: UTF8.self)
    }

    private static func components(of path: String) -> [[UInt8]] {
        path.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
    }

    private static func matches(_ pattern: ArraySlice<[UInt8]>, _ path: ArraySlice<[UInt8]>) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        if first == Array("**".utf8) {
            return (path.startIndex...path.endIndex).contains { matches(pattern.dropFirst(), path[$0...]) }
        }
        guard let name = path.first, fits(first[...], name[...]) else { return false }
        return matches(pattern.dropFirst(), path.dropFirst())
    }

    private static func fits(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == UInt8(ascii: "*") {
            return (name.startIndex...name.endIndex).contains { fits(pattern.dropFirst(), name[$0...]) }
        }
        return name.first == first && fits(pattern.dropFirst(), name.dropFirst())
    }
}

/// What a role or a step of the build writes: patterns of paths, declared by whoever writes them.
///
/// A role declares its files in `files.txt` in its folder, one pattern on each line, where `~` stands for the home of
/// the login user. This is not derived from the results of Ansible's modules: those do not know what a command writes,
/// a cached build has none, and nobody could inspect an image that somebody else built.
package struct FileDeclaration: Sendable, Equatable {
    package var pattern: PathPattern
    package var owner: String

    package init(_ pattern: String, by owner: String) {
        self.pattern = PathPattern(pattern)
        self.owner = owner
    }

    /// The declarations of a role.
    /// - Parameter home: the home of the login user.
    package static func parse(_ text: String, role: String, home: String) -> [FileDeclaration] {
        text.split(whereSeparator: \.isNewline).map { String($0).trimmedLine }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
            .map { FileDeclaration($0.hasPrefix("~/") ? home + $0.dropFirst() : $0, by: "role \(role)") }
    }

    /// The declarations of all roles in a folder.
    package static func all(of folder: String, _ system: ExpectedSystem) throws -> [FileDeclaration] {
        guard fileExists(folder) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().flatMap { role in
            let file = "\(folder)/\(role)/files.txt"
            return fileExists(file) ? parse(try readText(file), role: role, home: system.home) : []
        }
    }
}
