import Sandbox
import Workbench

/// What has changed in each version: a file per version as `docs/changes/changes_1.2.0.md`, else `CHANGELOG.md` in the
/// form of Keep a Changelog.
package struct Changelog: Sendable, Equatable {
    package struct Section: Sendable, Equatable {
        /// `nil` for what is not released yet.
        package var version: String?
        /// As it is written behind the version; `nil` where nothing is.
        package var date: String?
        /// From 1.
        package var line: Int
        /// Without its heading.
        package var text: String

        /// Whether it says anything: headings and comments alone do not.
        package var isEmpty: Bool {
            text.split(separator: "\n").allSatisfy { line in
                let line = String(line).trimmedLine
                return line.isEmpty || line.hasPrefix("#") || line.hasPrefix("<!--") && line.hasSuffix("-->")
            }
        }
    }

    /// As it is named in messages.
    package var path: String
    /// In the order of the file, newest first.
    package var sections: [Section]

    package static let fileName = "CHANGELOG.md"

    /// - Parameter folder: of the definition, as messages name it; empty for this folder.
    /// - Throws: `Failure` where there is none.
    package static func read(for version: String, in folder: String) throws -> Changelog {
        let prefix = folder.isEmpty || folder == "." ? "" : "\(folder)/"
        let own = "\(prefix)docs/changes/changes_\(version).md"
        if fileExists(own) { return Changelog(ofOneVersion: try readText(own), version, path: own) }
        let path = prefix + fileName
        guard fileExists(path) else {
            throw Failure(
                .badData, "there is neither \(path) nor \(own)", advice: "write \(path): ## [\(version)] - DATE")
        }
        return Changelog(try readText(path), path: path)
    }

    /// `## [1.2.0] - 2026-11-24`, `## 1.2.0`, `## [Unreleased]`
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

    /// The first line is a heading, with `released DATE` in it.
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
