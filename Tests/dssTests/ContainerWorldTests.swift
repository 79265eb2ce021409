import AWSTestSupport
import Foundation
import Testing
import Workbench

/// The ECS agent has the fixed address 169.254.170.2; these tests emulate it in a network of their own.
extension WhoamiTests {
    @Suite("in a container")
    struct Container {
        static let canMakeNetwork = {
            let probe = Process()
            probe.executableURL = URL(filePath: "/usr/bin/unshare")
            probe.arguments = ["--map-root-user", "--net", "ip", "link", "set", "lo", "up"]
            probe.standardError = FileHandle.nullDevice
            guard (try? probe.run()) != nil else { return false }
            probe.waitUntilExit()
            return probe.terminationStatus == 0
        }()

        static let world = #"""
            import asyncio, subprocess, sys

            emulator = subprocess.Popen(
                [sys.executable, "Tests/AWSEmulator"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            url = emulator.stdout.readline().split()[-1]

            async def pump(source, sink):
                while chunk := await source.read(65536):
                    sink.write(chunk)
                sink.close()

            async def relay(reader, writer):
                to, back = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
                await asyncio.gather(pump(reader, back), pump(to, writer), return_exceptions=True)

            async def main():
                await asyncio.start_server(relay, "169.254.170.2", 80)
                program = await asyncio.create_subprocess_exec(
                    "env", "-i", "HOME=/nonexistent", f"AWS_ENDPOINT_URL={url}",
                    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/0815", *sys.argv[1:])
                return await program.wait()

            code = asyncio.run(main())
            emulator.kill()
            sys.exit(code)
            """#

        @Test(
            "the agent is found by its relative URI", .enabled(if: Container.canMakeNetwork, "makes a network"))
        func relativeURI() async throws {
            let python = PythonProcess.root.path() + ".venv-aws/bin/python"
            let script = #"ip link set lo up && ip addr add 169.254.170.2/32 dev lo && exec "$@""#
            let output = try await SystemCommandRunner().execute(
                Command(
                    "unshare",
                    ["--map-root-user", "--net", "sh", "-c", script, "sh", python, "-c", Self.world]
                        + [Program.dss, "whoami", "--json"],
                    workingDirectory: PythonProcess.root.path()))
            #expect(output.status.isSuccess, "\(output)")
            #expect(output.standardOutput.contains("container, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"))
            #expect(output.standardOutput.contains(WhoamiTests.session("emulator-container-role")))
        }
    }
}
