import Sandbox

/// Values that are right each by itself and cannot go together.
enum Combinations {
    static func check(_ draft: Draft, file: String) -> [Diagnostic] {
        required(draft, file) + suite(draft, file) + mirror(draft, file) + architecture(draft, file)
            + diskSize(draft, file)
    }

    private static func required(_ draft: Draft, _ file: String) -> [Diagnostic] {
        ["name", "version"].filter { draft.items[$0] == nil && draft.isSound($0) }.map { key in
            Diagnostic(
                .file(file, line: 1, column: 1), "the key '\(key)' is missing",
                "for example \(key): \(Settings.byKey[key]?.example ?? "")")
        }
    }

    private static func suite(_ draft: Draft, _ file: String) -> [Diagnostic] {
        guard draft.isSound("base.distribution", "base.suite") else { return [] }
        let (distribution, suite) = (draft.definition.base.distribution, draft.definition.base.suite)
        let own = Suites.known(of: distribution)
        if own.contains(suite) { return [] }
        let place = draft.place("base.suite", orIn: file)
        if let other = SandboxDefinition.BaseSystem.Distribution.allCases.first(where: {
            Suites.known(of: $0).contains(suite)
        }) {
            return [
                Diagnostic(
                    place,
                    "'\(suite)' is a release of \(other.rawValue), and base.distribution is \(distribution.rawValue)",
                    "did you mean '\(Suites.defaultSuite(of: distribution))', or distribution: \(other.rawValue)?")
            ]
        }
        guard suite.count > 4, let near = DidYouMean.closest(to: suite, among: own) else { return [] }
        return [
            Diagnostic(place, "unknown release '\(suite)' of \(distribution.rawValue)", "did you mean '\(near)'?")
        ]
    }

    /// Ubuntu's main archive has amd64 only; the others are on a server of their own.
    private static func mirror(_ draft: Draft, _ file: String) -> [Diagnostic] {
        let base = draft.definition.base
        guard base.architecture == .arm64, base.mirror.contains("//archive.ubuntu.com/") else { return [] }
        return [
            Diagnostic(
                draft.place("base.mirror", orIn: file), "archive.ubuntu.com has no packages for arm64",
                "use http://ports.ubuntu.com/ubuntu-ports")
        ]
    }

    /// VHD is the disk of Hyper-V's generation 1 and our OVA describes a BIOS machine: both exist for amd64 only.
    private static func architecture(_ draft: Draft, _ file: String) -> [Diagnostic] {
        let definition = draft.definition
        guard definition.base.architecture == .arm64, draft.isSound("base.architecture", "formats") else { return [] }
        let key = draft.items["formats"] == nil ? "base.architecture" : "formats"
        return definition.formats.filter { [.vhd, .ova].contains($0) }.map { format in
            Diagnostic(
                draft.place(key, element: format.rawValue, orIn: file),
                "the format \(format.rawValue) is for machines with a BIOS, which arm64 has not",
                key == "formats" ? "use vmdk, qcow2 or raw" : "set formats, for example formats: [vmdk, qcow2]")
        }
    }

    /// A dynamic VHD ends at 2040 GiB (Virtual Hard Disk Image Format Specification, version 1.0).
    private static func diskSize(_ draft: Draft, _ file: String) -> [Diagnostic] {
        guard draft.isSound("disk.size", "formats"), draft.definition.formats.contains(.vhd),
            draft.definition.disk.sizeMiB > 2040 * 1024
        else { return [] }
        return [
            Diagnostic(
                draft.place("disk.size", orIn: file), "a vhd holds at most 2040GiB",
                "make the disk smaller or leave vhd out of formats")
        ]
    }
}
