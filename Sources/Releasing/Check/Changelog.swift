import Sandbox
import Workbench

/// The changes in each version: from one file per version, such as `docs/changes/changes_1.2.0.md`, or from
/// `CHANGELOG.md` in the format of Keep a Changelog.
package struct Changelog: Sendable, Equatable {
    package struct Section: Sendable, Equatable {
        /// The version; `nil` for unreleased changes.
        package var version: String?
        /// The date as written after the version; `nil` if there is none.
        package var date: String?
        /// The line of the heading, starting at 1.
        package var line: Int
        /// The text without the heading.
        package var text: String

        /// Whether the section has no content apart from headings and comments.
        package var isEmpty: Bool {
            text.split(separator: "\n").allSatisfy { line in
                let line = String(line).trimmedLine
                return line.isEmpty || line.hasPrefix("#") || line.hasPrefix("<!--") && line.hasSuffix("-->")
            }
        }
    }

    /// Path of the file as shown in messages.
    package var path: String
    /// The sections in the order of the file, newest first.
    package var sections: [Section]

    package static let fileName = "CHANGELOG.md"

    /// Reads the changelog of a version.
    /// - Parameter folder: The directory of the definition, as shown in messages; empty for the current directory.
    /// - Throws: `Failure` if there is no changelog.
    package static func read(for version: String, in folder: String) throws -> Changelog {
        let prefix = folder.isEmpty || folder == "." ? "" : "\(folder)/"
        let own = "\(prefix)docs/changes/changes_\(version).md"
        if fileExists(own) { return Changelog(ofOneVersion: try readText(own), version, path: own) }
        let path = prefix + fileName
        guard fileExists(path) else {
            throw Failure(
                .badData, "neither \(path) nor \(own) exists",
                advice: "create \(path) with a section '## [\(version)] - DATE'")
        }
        return Changelog(try readText(path), path: path)
    }

    /// Parses headings such as `## [1.2.0] - 2026-11-24`, `## 1.2.0` and `## [Unreleased]`.
    package init(_ text: String, path: String) {
        self.path = path
        var sections: [Section] = []
        for (index, line) in Self.lines(text).enumerated() {
            if let match = line.wholeMatch(of: /##\s+\[?([^\]\s]+)\]?(?:\s*(?:\([^)]*\))?\s*[-–—]\s*(.*?))?\s*/) {
                let version = String(match.1)
                sections.append(
                    Section(
                        version: version.lowercased() == "unreleased" ? nil : version,
                        date: match.2.map(String.init), line: index + 1, text: ""))
            } else if !sections.isEmpty, line.wholeMatch(of: /\[[^\]]+\]:\s+\S.*/) == nil {
                sections[sections.count - 1].text += line + "\n"
            }
        }
        self.sections = sections.map { section in
            var section = section
            section.text = section.text.trimmedLine
            return section
        }
    }

    /// Parses a file for one version: its first line is a heading that contains `released DATE`.
    private init(ofOneVersion text: String, _ version: String, path: String) {
        self.path = path
        let lines = Self.lines(text)
        let start = lines.firstIndex { $0.hasPrefix("#") } ?? 0
        let heading = lines.indices.contains(start) ? lines[start] : ""
        let date = heading.firstMatch(of: /released:?\s+(\S+)/).map { String($0.1) }
        let body = lines.dropFirst(start + 1).joined(separator: "\n").trimmedLine
        sections = [Section(version: version, date: date, line: start + 1, text: body)]
    }

    package func section(_ version: String) -> Section? { sections.first { $0.version == version } }

    private static func lines(_ text: String) -> [String] {
        text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
