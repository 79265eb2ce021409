import ContainerImages
import Reporting
import Sandbox

extension DockerReport {
    /// The final report on a terminal.
    func text(_ style: Style) -> String {
        var facts: [FactSheet.Fact] = [
            .init("image", record.reference), .init("digest", record.digest),
            .init("size", Units.size(record.bytes)), .init("layout", layout),
        ]
        facts += record.layers.map { .shown("layer", "\(Units.size($0.bytes))  \($0.name)") }
        facts += record.missing.map { .shown("MISSING", "\($0.component): \($0.reason)") }
        facts += stages.filter { $0.outcome != .cached }.map { .shown($0.stage.rawValue, Units.time($0.seconds)) }
        let next = record.isPublished ? record.pullLine : "sudo dss verify-docker-image \(layout)"
        return (isUnchanged ? "nothing to do: no input has changed since this image was built\n\n" : "")
            + FactSheet(facts).text(style) + "\nnext: \(next)\n"
    }

    /// The same as the last line of a stream of events.
    var event: String {
        JSONValue.object([
            ("event", .string("docker-image")), ("reference", .string(record.reference)),
            ("digest", .string(record.digest)), ("bytes", .integer(record.bytes)), ("layout", .string(layout)),
            ("published", .bool(record.isPublished)), ("unchanged", .bool(isUnchanged)),
            (
                "layers",
                .array(
                    record.layers.map {
                        .object([
                            ("name", .string($0.name)), ("digest", .string($0.digest)), ("bytes", .integer($0.bytes)),
                        ])
                    })
            ),
            (
                "missing",
                .array(
                    record.missing.map {
                        .object([("component", .string($0.component)), ("reason", .string($0.reason))])
                    })
            ),
            (
                "stages",
                .array(
                    stages.map {
                        .object([
                            ("stage", .string($0.stage.rawValue)), ("seconds", .seconds($0.seconds)),
                            ("outcome", .string($0.outcome.rawValue)),
                        ])
                    })
            ),
        ]).line + "\n"
    }
}
