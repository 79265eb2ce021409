import Foundation

/// `dss show-aws-assets` from its start to its end, on an account that answers at once.
struct WholeProgram {
    let port: String

    /// Beside this program.
    private static let dss = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "dss")

    static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: dss.path()) }

    /// - Returns: the median of its times in milliseconds, and its peak memory in MB.
    func listing(_ runs: Int) throws -> (time: Double, memory: Double) {
        var times: [Double] = []
        for run in 0...runs {
            let time = try list()
            if run > 0 { times.append(time) }
        }
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        return (times.sorted()[times.count / 2], Double(usage.ru_maxrss) / 1000)
    }

    private func list() throws -> Double {
        let process = Process()
        process.executableURL = Self.dss
        process.arguments = ["show-aws-assets", "--definition", "/none"]
        process.environment = [
            "HOME": "/nowhere", "AWS_ENDPOINT_URL": "http://127.0.0.1:\(port)", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1",
        ]
        let output = Pipe()
        process.standardOutput = output
        let start = ContinuousClock.now
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let duration = ContinuousClock.now - start
        guard process.terminationStatus == 0, text.count > 1000 else { throw CocoaError(.executableLoad) }
        return duration / .milliseconds(1)
    }
}
