import Sandbox

/// `pins.yaml` as it was read: the versions, where each stands, and the text that an update edits.
package struct PinsFile: Sendable {
    package var pins: Pins
    package var text: String
    /// As diagnostics name it, and absolute.
    package var path: String
    package var absolutePath: String
    let document: Item

    /// Where a version stands: `place("apt", "git")`, `place("pip", "jupyter", "jupyterlab")`.
    package func place(_ keys: String...) -> Place {
        var item = document
        for key in keys {
            guard let next = item[key] else { return item.place }
            item = next
        }
        return item.place
    }

    /// - Throws: one `Failure` that lists every mistake in the file.
    package static func load(
        _ path: String, currentDirectory: String, files: TextFiles = .disk
    ) throws -> PinsFile {
        let absolute = FilePaths.join(currentDirectory, path)
        guard let bytes = try files.read(absolute) else {
            throw Failure(.usage, "there is no file '\(path)' with pinned versions")
        }
        var diagnostics: [Diagnostic] = []
        guard let file = parse(bytes, path: path, absolutePath: absolute, &diagnostics), diagnostics.isEmpty else {
            throw diagnostics.failure()
        }
        return file
    }

    static func parse(
        _ bytes: [UInt8], path: String, absolutePath: String, _ diagnostics: inout [Diagnostic]
    ) -> PinsFile? {
        guard let document = YAMLDocument.parse(bytes, path: path, diagnostics: &diagnostics) else { return nil }
        var reader = PinsReader(diagnostics: diagnostics)
        let pins = reader.read(document)
        diagnostics = reader.diagnostics
        return pins.map {
            PinsFile(
                pins: $0, text: String(decoding: bytes, as: UTF8.self), path: path, absolutePath: absolutePath,
                document: document)
        }
    }

    /// Pins hold for one release and its architecture; the mistake names both files,
    /// as either may be the wrong one.
    func mismatch(with draft: Draft, file: String) -> [Diagnostic] {
        let base = draft.definition.base
        return [
            ("distribution", base.distribution.rawValue, pins.distribution), ("suite", base.suite, pins.suite),
            ("architecture", base.architecture.rawValue, (pins.architecture ?? base.architecture).rawValue),
        ].filter { $0.1 != $0.2 && draft.isSound("base.\($0.0)") }.map { key, wanted, pinned in
            let origin = draft.origin("base.\(key)")
            return Diagnostic(
                place(key), "the pins are for \(pinned), but base.\(key) is \(wanted) (\(origin))",
                "run dss pins update after changing '\(key)' here, or set base.\(key) to \(pinned)")
        }
    }
}
