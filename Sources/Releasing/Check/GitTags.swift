import Sandbox
import Workbench

/// The tags of the commit that is checked out in a folder.
package enum GitTags {
    /// All of them: `git describe --exact-match` would choose one.
    /// - Throws: `Failure` where it is no work tree of git.
    package static func read(in folder: String, _ runner: any CommandRunner) async throws -> [String] {
        let output = try await runner.execute(Command("git", ["-C", folder, "tag", "--points-at", "HEAD"]))
        guard output.status.isSuccess else {
            throw Failure(
                .badData, "git cannot tell the tags of \(folder)",
                details: output.standardError.split(separator: "\n").map(String.init),
                advice: "run it in a clone of the repository, or name the tag with --tag")
        }
        return output.standardOutput.split(separator: "\n").map(String.init)
    }
}
