import Sandbox
import Workbench

/// A package to add to the pins, as typed: `pandas`, `pandas==2.3.3`, `ibis-framework[duckdb]>=10`, `htop=3.2.2-2`.
package struct PinRequirement: Sendable, Equatable {
    /// With extras: `ibis-framework[duckdb]`.
    package internal(set) var name: String
    /// What follows the name: `>=10`; empty if any version will do.
    package let specifier: String

    /// - Throws: `Failure` with code `.usage` if the text is neither a requirement nor a Debian package.
    package init(_ text: String) throws {
        // https://packaging.python.org/en/latest/specifications/dependency-specifiers/, without URLs and markers; a
        // single equals sign is apt's.
        let syntax =
            /([A-Za-z0-9][A-Za-z0-9._+:\-]*(?:\[[A-Za-z0-9._, \-]+\])?)\s*((?:===?|=|[<>!~]=|[<>])[^\s;@=][^\s;@]*)?/
        guard let match = text.wholeMatch(of: syntax) else {
            throw Failure(
                .usage, "'\(text)' is not a package with an optional version",
                advice: "write it as in: dss pins add datascience pandas==2.3.3, or dss pins add apt htop")
        }
        (name, specifier) = (String(match.1), match.2.map(String.init) ?? "")
    }

    package var text: String { name + specifier }

    var hasExtras: Bool { name.hasSuffix("]") }

    /// The version of a Debian package; `nil` if any will do.
    /// - Throws: `Failure` with code `.usage` if the requirement is not for one version, as apt's must be.
    var exactVersion: String? {
        get throws {
            if specifier.isEmpty { return nil }
            guard let match = specifier.wholeMatch(of: /==?([^=,]+)/) else {
                throw Failure(
                    .usage, "'\(text)' is not a Debian package with an optional version",
                    advice: "dss pins add apt \(name), or \(name)=VERSION")
            }
            return String(match.1)
        }
    }
}

extension Pins {
    /// The version of a package that was added to an environment, or to `apt`, before: nothing is left to add.
    /// - Returns: `nil` if there is something to add, such as another version, an extra, or a package that was only
    ///   pinned because others need it.
    package func added(_ requirement: PinRequirement, to environment: String) -> String? {
        let name = Pins.distribution(requirement.name)
        let pinned =
            environment == "apt"
            ? apt[requirement.name]
            : (pip[environment] ?? [:]).first {
                requirement.hasExtras ? $0.key == requirement.name : Pins.distribution($0.key) == name
            }?.value
        guard let pinned else { return nil }
        if requirement.specifier.isEmpty { return pinned }
        return (try? requirement.exactVersion) == pinned ? pinned : nil
    }
}

/// The package index has no package of a name.
package struct UnlistedPackage: Error {
    package let source: PinStatus.Source
    package let name: String
    /// Names among which the right one may be.
    package let similar: [String]

    init(_ source: PinStatus.Source, _ name: String, similar: [String]) {
        (self.source, self.name, self.similar) = (source, name, similar)
    }
}

/// Names that no pin has.
package struct UnpinnedNames: Error {
    package let names: [String]
    /// The names that have one.
    package let known: [String]
}
