import AWSProvider
import ArgumentParser
import Sandbox

/// How a build on AWS exports its images; what it is made on is said by `MachineOptions`.
struct ExportOptions: ParsableArguments {
    @Option(
        name: .customLong("export-method"),
        help: ArgumentHelp(
            "vm-export: AWS writes the images, one after the other, and no byte comes here. ebs-direct: the snapshot is "
                + "read here once for all formats. auto: what fits best.", valueName: "method"))
    var method = ExportMethod.auto

    @Option(
        name: .customLong("work-dir"),
        help: ArgumentHelp("Where ebs-direct keeps its files meanwhile. [DSS_WORK_DIR]", valueName: "folder"),
        completion: .directory)
    var workDirectory: String?
}

extension ExportMethod: ExpressibleByArgument {}
