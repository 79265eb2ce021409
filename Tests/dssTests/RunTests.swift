import AWSTestSupport
import LocalProvider
import Reporting
import Testing
import Workbench

@testable import dss

@Suite("dss run")
struct RunTests {
    @Test(
        "options that do not fit are refused",
        arguments: [
            (["run", "--docker", "--keep", "x"], "not to --docker"), (["run", "--memory", "4"], "4"),
            (["run", "--memory", "100MiB"], "512MiB to 1TiB"), (["run", "--memory", "0"], "512MiB to 1TiB"),
            (["run", "--memory", "10TB"], "512MiB to 1TiB"), (["run", "--memory", "abc"], "'abc' is invalid"),
            (["run", "--memory", "-1"], "--memory <size>"), (["run", "--cpus", "-1"], "--cpus <number>"),
            (["run", "--cpus", "0"], "1 to 255"), (["run", "--cpus", "256"], "1 to 255"),
            (["run", "--cpus", "abc"], "'abc' is invalid"),
            (["run", "--hardware", "xen"], "virtualbox"),
        ])
    func usage(arguments: [String], message: String) async {
        let said = await PretendWorld().dss(arguments)
        #expect(said.code == 64 && said.errors.contains(message), "\(said.errors)")
    }

    @Test("without an asset id, the version in the definition is run; a name with an extension is a file")
    func names() async throws {
        try await withTemporaryDirectory { folder in
            _ = try SandboxFolder(in: folder)
            let world = PretendWorld(directory: folder, runner: SystemCommandRunner())
            let own = await world.dss("run", "--bucket", "bucket")
            #expect(own.code == 65 && own.errors.contains("no finished build of"), "\(own.errors)")
            let named = await world.dss("run", "7.8.9", "--bucket", "bucket")
            #expect(named.errors.contains("no finished build of '7.8.9'"), "\(named.errors)")
            for file in ["x.vmdk", "./7.8.9"] {
                let missing = await world.dss("run", file)
                #expect(missing.code == 65 && missing.errors.contains("no such image: \(folder)/"), "\(missing.errors)")
            }
            try makeDirectory("\(folder)/7.8.9")
            let shadowed = await world.dss("run", "7.8.9", "--bucket", "bucket")
            #expect(shadowed.errors.contains("no finished build of '7.8.9'"), "\(shadowed.errors)")
            #expect(shadowed.errors.contains("\(folder)/7.8.9 is not a disk image; to name it anyway, write ./7.8.9\n"))
            let json = await world.dss("run", "7.8.9", "--bucket", "bucket", "--json")
            #expect(json.code == 65 && json.json["event"] as? String == "failure" && json.errors.isEmpty)
        }
    }

    @Test("the command that opens a tunnel precedes the address that needs it")
    func tunnel() {
        let style = Style(color: false, unicode: true, width: 80)
        let direct = RunningSandbox(port: 49494, link: nil, shell: .ssh(user: "ubuntu", port: 2222))
        #expect(direct.text(style).hasPrefix("JupyterLab  http://localhost:49494/lab\nSSH         ssh -p 2222 "))
        #expect(direct.json.line.contains(#""tunnel":false"#))
        let shell = RunningSandbox.Shell.ssh(user: "ubuntu", port: 2222, tunnel: "49495:localhost:49494")
        let text = RunningSandbox(port: 49495, link: nil, shell: shell).text(style)
        #expect(text.hasPrefix("SSH         ssh -L 49495:localhost:49494 -p 2222 "), "\(text)")
        #expect(
            text.contains(
                """

                JupyterLab  http://localhost:49495/lab
                            answers on this computer while that SSH connection is open

                """), "\(text)")
        #expect(RunningSandbox(port: 49495, link: nil, shell: shell).json.line.contains(#""tunnel":true"#))
    }

    @Test("without a definition, an asset id is sufficient")
    func withoutDefinition() async {
        let said = await PretendWorld().dss("run", "7.8.9", "--bucket", "/nonexistent")
        #expect(said.code == 65 && said.errors.contains("/nonexistent/"), "\(said.errors)")
    }
}
