import Sandbox
import Workbench

/// Checks that definition, changelog and tag have the same version.
package struct ReleaseCheck: Sendable {
    package var version: String
    /// The place of the version in the definition: `sandbox.yaml:7`.
    package var place: String
    package var changelog: Changelog
    /// The tags of the commit that is checked out; `nil` if tags are not checked.
    package var tags: [String]?

    package init(version: String, place: String, changelog: Changelog, tags: [String]?) {
        self.version = version
        self.place = place
        self.changelog = changelog
        self.tags = tags
    }

    /// All problems, each with file and line.
    package var mistakes: [String] { versionMistakes + changelogMistakes + tagMistakes }

    package func run() throws {
        let mistakes = mistakes
        guard !mistakes.isEmpty else { return }
        throw Failure(
            .badData, "the release check found \(mistakes.count == 1 ? "a problem" : "\(mistakes.count) problems")",
            details: mistakes)
    }

    /// Checks for a semantic version, with the regular expression of <https://semver.org>.
    private var versionMistakes: [String] {
        let number = "(0|[1-9][0-9]*)"
        let semantic = "\(number)\\.\(number)\\.\(number)(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?"
        let isSemantic = (try? Regex(semantic)).map { version.wholeMatch(of: $0) != nil } ?? false
        return isSemantic ? [] : ["\(place): '\(version)' is not a semantic version such as 1.2.0"]
    }

    private var changelogMistakes: [String] {
        let path = changelog.path
        var mistakes: [String] = []
        if let unreleased = changelog.sections.first(where: { $0.version == nil }), !unreleased.isEmpty {
            mistakes.append("\(path):\(unreleased.line): the section Unreleased is not empty")
        }
        guard let section = changelog.section(version) else {
            let newest = changelog.sections.first { $0.version != nil }
            let other = newest.map { "; the newest section is \($0.version ?? "")" } ?? ""
            return mistakes + ["\(path):\(newest?.line ?? 1): no section for \(version)\(other)"]
        }
        let line = "\(path):\(section.line):"
        if let newest = changelog.sections.first(where: { $0.version != nil }), newest.version != version {
            mistakes.append("\(path):\(newest.line): the newest section is \(newest.version ?? ""), not \(version)")
        }
        switch section.date {
        case nil: mistakes.append("\(line) \(version) has no date")
        case let date? where !Self.isDate(date):
            mistakes.append("\(line) '\(date)' is not a date such as 2026-11-24")
        default: break
        }
        if section.isEmpty { mistakes.append("\(line) the section is empty") }
        return mistakes
    }

    private var tagMistakes: [String] {
        guard let tags, !tags.contains(version), !tags.contains("v\(version)") else { return [] }
        return tags.isEmpty
            ? ["\(place): the version is \(version), but the commit has no tag; add it with: git tag \(version)"]
            : ["\(place): the version is \(version), but the tag is \(tags.joined(separator: ", "))"]
    }

    private static func isDate(_ text: String) -> Bool {
        guard let match = text.wholeMatch(of: /([0-9]{4})-([0-9]{2})-([0-9]{2})/), let year = Int(match.1),
            let month = Int(match.2), let day = Int(match.3), (1...12).contains(month)
        else { return false }
        let isLeap = year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
        return (1...[31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]).contains(day)
    }
}

/// The tags of the commit that is checked out in a directory.
package enum GitTags {
    /// Reads all tags, because `git describe --exact-match` would choose one.
    /// - Throws: `Failure` if the directory is not a Git work tree.
    package static func read(in folder: String, _ runner: any CommandRunner) async throws -> [String] {
        let output = try await runner.execute(.git(in: folder, ["tag", "--points-at", "HEAD"]))
        guard output.status.isSuccess else {
            throw Failure(
                .badData, "cannot read the Git tags of \(folder)",
                details: output.standardError.split(separator: "\n").map(String.init),
                advice: "run it in a clone of the repository, or name the tag with --tag")
        }
        return output.standardOutput.split(separator: "\n").map(String.init)
    }
}
