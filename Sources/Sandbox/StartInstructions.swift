/// `START.md` next to the images: how to check, start and enlarge them, and how to log in.
///
/// The text is `Resources/START.md`. It names the files of one build and leaves out what needs a format that the build
/// does not have. `docs/start.md` is the text for a build with all formats.
package struct StartInstructions: Sendable, Equatable {
    package static let fileName = "START.md"

    private static let template = String(decoding: PackageResources.START_md, as: UTF8.self)

    private let manifest: Manifest

    /// - Parameter manifest: a manifest with at least one image.
    package init(_ manifest: Manifest) {
        self.manifest = manifest
    }

    /// The text in Markdown.
    ///
    /// In the template, the lines from `{{#vmdk vhd}}` to `{{/}}` are for builds that have one of the formats, or that
    /// are for one of the architectures; such parts may contain others.
    package var markdown: String {
        var lines: [Substring] = []
        var isShown: [Bool] = []
        for line in Self.template.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("{{#"), line.hasSuffix("}}") {
                isShown.append(line.dropFirst(3).dropLast(2).split(separator: " ").contains { has(String($0)) })
            } else if line == "{{/}}" {
                _ = isShown.popLast()
            } else if isShown.allSatisfy({ $0 }) {
                lines.append(line)
            }
        }
        return values.reduce(lines.joined(separator: "\n")) { text, value in
            text.replacing("{{\(value.key)}}", with: value.value)
        }
    }

    /// Whether the build has a format, or is for an architecture.
    private func has(_ property: String) -> Bool {
        manifest.architecture.rawValue == property || manifest.files.contains { $0.format.rawValue == property }
    }

    private var values: [String: String] {
        let windows = name(of: .vhd) ?? manifest.files.first?.name
        let convertible =
            name(of: .vmdk) ?? name(of: .vhd) ?? name(of: .vmdkSparse) ?? name(of: .raw) ?? name(of: .vhdx)
        var values: [String: String] = [
            "name": manifest.name, "version": manifest.version, "user": manifest.user,
            "port": "\(manifest.jupyterPort)", "size": "\((manifest.diskMiB + 1023) / 1024)",
            "file": quoted(windows ?? stem), "convertible": quoted(convertible ?? stem),
            // Files that the reader makes by a conversion.
            "vdi": quoted("\(stem).vdi"), "writable": quoted("\(stem)-disk.vmdk"),
        ]
        for format in ImageFormat.allCases {
            values[format.rawValue] = quoted(name(of: format) ?? format.fileName(stem))
        }
        return values
    }

    private func name(of format: ImageFormat) -> String? { manifest.files.first { $0.format == format }?.name }

    /// The name of the files without the extension.
    private var stem: String {
        guard let file = manifest.files.first else { return manifest.name }
        return file.format.stem(of: file.name) ?? file.name
    }

    /// Quotes a file name for cmd, PowerShell and POSIX shells. The names of sandboxes and asset ids may contain spaces,
    /// but no other special characters.
    private func quoted(_ name: String) -> String { name.contains(" ") ? "\"\(name)\"" : name }
}
