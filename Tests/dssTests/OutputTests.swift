import Glibc
import Testing
import Workbench

@testable import dss

@Suite("Standard output that cannot be written")
struct OutputTests {
    @Test(
        "is an error for every command, for help and for completion scripts; a closed pipe is none to talk about",
        arguments: [
            ["definition", "--reference"], ["--help"], ["create-vm", "--help"], ["--generate-completion-script=bash"],
        ])
    func commands(_ command: [String]) async throws {
        try await withTemporaryDirectory { folder in
            var world = PretendWorld(directory: folder)
            world.outputError = ENOSPC
            let full = await world.dss(command)
            #expect(full.code == 74)
            #expect(full.errors.contains("cannot write to standard output: No space left on device"))
            world.outputError = EPIPE
            let closed = await world.dss(command)
            #expect(closed.code == 141 && closed.errors.isEmpty)
        }
    }

    @Test("a command that failed keeps its exit code")
    func failures() async throws {
        try await withTemporaryDirectory { folder in
            var world = PretendWorld(directory: folder)
            world.outputError = EPIPE
            #expect(await world.dss("no-such-command").code == 64)
            world.outputError = ENOSPC
            #expect(await world.dss("no-such-command").code == 64)
        }
    }

    @Test("the first error of a file is kept, and a pipe takes the text")
    func files() throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        let terminal = Terminal(descriptor: full)
        #expect(terminal.writeError() == nil)
        terminal.write("text")
        #expect(terminal.writeError() == ENOSPC)

        let missing = Terminal(descriptor: -1)
        missing.write("text")
        #expect(missing.writeError() == EBADF)
    }
}
