import FoundationEssentials
import Testing

/// Compares a rendering with `Golden/<name>.txt`, or writes that file if `DSS_RECORD=1`.
///
/// Control characters are replaced by visible symbols, so that a golden file can be read and compared like any text.
func expectGolden(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
    let file = directory.appending(path: "\(name).txt")
    let shown = text.replacing("\u{1B}", with: "␛").replacing("\r", with: "␍")
    if ProcessInfo.processInfo.environment["DSS_RECORD"] == "1" {
        try Data(shown.utf8).write(to: file)
    }
    let golden = (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) }
    #expect(shown == golden, "record it with DSS_RECORD=1 if it is meant", sourceLocation: sourceLocation)
}
