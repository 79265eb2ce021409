import Glibc
import Workbench

/// Runs `body` while there is a process whose command line is that of a virtual machine that this process has started.
/// - Parameters:
///   - options: more of QEMU's options.
///   - folder: an empty place for the files of the process.
package func withPretendedGuest(
    _ assetID: String, _ options: [String] = [], in folder: String, _ body: () async throws -> Void
) async throws {
    guard let me = BackgroundProcess(pid: getpid()) else { return }
    let pipe = "\(folder)/pipe"
    guard mkfifo(pipe, 0o600) == 0 else { throw FileError("create pipe", pipe) }
    // It waits for a line that nobody writes.
    let script = #"exec -a qemu-system-x86_64 bash -c 'read -r _ <>"$0"' "$@""#
    let name = "dss-verify-\(me.pid).\(me.startTime)/qemu/run/\(assetID)"
    let guest = try await SystemCommandRunner().start(
        Command("bash", ["-c", script, "bash", pipe, "-name", name] + options), log: "\(folder)/guest.log")
    try await finally {
        while try !readText("/proc/\(guest.pid)/cmdline").hasPrefix("qemu-system") { await Task.yield() }
        try await body()
    } cleanup: {
        await guest.stop()
    }
}
