import AWSCore
import AWSTestSupport
import DiskImages
import Foundation
import HTTPTransport
import Sandbox
import Testing
import Workbench

@testable import LocalProvider
@testable import dss

/// Commands that run inside the test, in a world that it made.
@Suite("Commands in a world of the test")
struct CommandTests {
    /// A folder with a definition, in which commands run.
    private func withFolder(_ body: (PretendWorld) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            _ = try SandboxFolder(in: folder)
            try await body(PretendWorld(directory: folder))
        }
    }

    @Test("a mistake in the command line goes to standard error, with 64")
    func usage() async {
        let unknown = await PretendWorld().dss("definition", "--origin")
        #expect(unknown.code == 64 && unknown.output.isEmpty)
        let message = "dss: error: unknown option '--origin'; did you mean '--origins'?\nUsage: dss definition "
        #expect(unknown.errors.hasPrefix(message), "\(unknown.errors)")
        #expect(unknown.errors.hasSuffix("'dss definition --help' for more information.\n"), "\(unknown.errors)")
        let format = await PretendWorld().dss("create-vm", "--format", "foo")
        #expect(format.code == 64 && format.errors.contains("; provide one of the following:\n"), "\(format.errors)")
        let invalid = await PretendWorld().dss("copy-ami", "ami-0")
        #expect(invalid.code == 64 && invalid.errors.hasPrefix("dss: error: no destination region; use --to REGION\n"))
    }

    @Test(
        "a value of an option that does not exist is named, and what was meant",
        arguments: [
            (["create-vm", "--format", "qcow"], "'--format <format>'; did you mean 'qcow2'?\n"),
            (["export-vm", "--format", "vmkd"], "; did you mean 'vmdk'?\n"),
            (["create-vm", "--format", "raw,qcow2"], "; repeat the option: --format raw --format qcow2\n"),
            (["create-vm", "--provider", "asw"], "; did you mean 'aws'?\n"),
            (["create-vm", "--provider", "moon"], "; provide one of 'local' and 'aws'"),
            (["prune-cache", "--keep", "5"], ": must have a unit, for example 5GB or 5GiB\n"),
            (["prune-cache", "--keep", "much"], ": must be a number with a unit, for example 20GB"),
            (["run", "--memory", "4"], ": must have a unit, for example 4GB or 4GiB\n"),
        ])
    func values(arguments: [String], message: String) async {
        let said = await PretendWorld().dss(arguments)
        #expect(said.code == 64 && said.errors.contains(message), "\(said.errors)")
    }

    @Test(
        "a command that does not exist is named, and the one that was meant",
        arguments: [
            (["creat-vm"], "no such command: 'creat-vm'; did you mean 'create-vm'?\n"),
            (["creat-vm", "--asset-id", "1"], "no such command: 'creat-vm'; did you mean 'create-vm'?\n"),
            (["help", "creat-vm"], "no such command: 'creat-vm'; did you mean 'create-vm'?\n"),
            (["pins", "chek"], "no such command: 'pins chek'; did you mean 'pins check'?\n"),
            (["bake", "--help"], "no such command: 'bake'\n"), ([""], "no such command: ''\n"),
            (["iam-policy", "--command", "creat-vm"], "'creat-vm' is not a command that calls AWS; did you mean "),
        ])
    func unknownCommand(words: [String], message: String) async {
        let said = await PretendWorld().dss(words)
        #expect(said.code == 64 && said.output.isEmpty)
        #expect(said.errors.hasPrefix("dss: error: \(message)"), "\(said.errors)")
    }

    @Test(
        "help goes to standard output, also that of a group without a command",
        arguments: [["--help"], ["pins"], ["help"], ["help", "pins"]])
    func help(words: [String]) async {
        let said = await PretendWorld().dss(words)
        #expect(said.code == 0 && said.errors.isEmpty && said.output.contains("USAGE: dss"))
    }

    @Test("the definition is found in the current directory, and overridden by the environment and by flags")
    func definition() async throws {
        try await withFolder { world in
            var world = world
            world.environment = ["DSS_DISK_SIZE": "5GiB"]
            let said = await world.dss("definition", "--set", "name=other", "--origins")
            #expect(said.code == 0, "\(said.errors)")
            #expect(
                said.output.contains(/name: other +#.*--set/) && said.output.contains(/size: 5GiB +#.*DSS_DISK_SIZE/))
            let json = await world.dss("definition", "--json")
            #expect((json.json["disk"] as? [String: Any])?["size"] as? String == "5GiB", "\(json.output)")
        }
    }

    @Test("the password in the URL of a definition is not shown", arguments: ["--json", "--origins"])
    func passwordOfURL(option: String) async throws {
        try await withFolder { world in
            let set = "playbook.variables.script_languages_url=https://me:s3cr3t@git.test/x.git"
            let said = await world.dss("definition", "--set", set, option)
            #expect(said.code == 0 && said.output.contains("https://•••@git.test/x.git"), "\(said)")
            #expect(!said.output.contains("s3cr3t"))
        }
    }

    @Test(
        "a default password of fewer than 12 characters is refused before anything is done, unless allowed",
        arguments: [
            ["create-vm"], ["create-vm", "--provider", "aws"], ["export-vm"],
            ["reset-password", "--host", "h", "--user", "u", "--key", "k"],
        ])
    func weakPassword(command: [String]) async throws {
        try await withFolder { world in
            var world = world
            world.isRoot = true
            let refusal = "the default password has fewer than 12 characters"
            world.environment = ["DSS_DEFAULT_PASSWORD": "elevenchars"]
            let weak = await world.dss(command)
            #expect(weak.code == 64 && weak.errors.contains(refusal), "\(weak.errors)")
            let allowed = await world.dss(command + ["--allow-weak-default-password"])
            #expect(!allowed.errors.contains(refusal))
            world.environment = ["DSS_DEFAULT_PASSWORD": "twelve chars"]
            #expect(!(await world.dss(command).errors.contains(refusal)))
        }
    }

    @Test(
        "the default password is the first line of its file, whatever ends a line",
        arguments: ["", "\n", "\r\n", "\r\nmore\r\n", "\nmore"])
    func passwordFile(ending: String) async throws {
        try await withFolder { world in
            var world = world
            world.isRoot = true
            let command = ["create-vm", "--provider", "aws", "--default-password-file", "\(world.directory)/password"]
            let refusal = "the default password has fewer than 12 characters"
            try Data("elevenchars\(ending)".utf8).write(to: URL(filePath: "\(world.directory)/password"))
            #expect(await world.dss(command).errors.contains(refusal))
            try Data("twelve chars\(ending)".utf8).write(to: URL(filePath: "\(world.directory)/password"))
            let said = await world.dss(command)
            #expect(!said.errors.contains(refusal) && !said.errors.contains("one line"), "\(said.errors)")
        }
    }

    @Test(
        "verify-vm looks at the image before it asks for the password",
        arguments: [("none.vmdk", "no such image: "), (".", "not a regular file"), ("sandbox.yaml", "not a supported")])
    func imageBeforePassword(file: String, message: String) async throws {
        try await withFolder { world in
            let said = await world.dss("verify-vm", file, "--ask-default-password")
            #expect(said.code == 65 && said.errors.contains(message), "\(said.errors)")
        }
    }

    @Test("the password of an image is asked for once, and one that is set is asked for twice")
    func prompts() async throws {
        try await withFolder { world in
            var world = world
            (world.isRoot, world.person) = (true, "twelve chars")
            try Data([0x51, 0x46, 0x49, 0xfb] + [UInt8](repeating: 0, count: 1020)).write(
                to: URL(filePath: "\(world.directory)/x.qcow2"))
            let known = await world.dss("verify-vm", "x.qcow2", "--ask-default-password").errors
            #expect(known.contains("Default password: ") && !known.contains("Repeat"), "\(known)")
            let place = ["--bucket", "bucket", "--cache", "cache", "--state", "state"]
            let new = await world.dss(["create-vm", "--ask-default-password"] + place).errors
            #expect(new.contains("Default password: Repeat default password: "), "\(new)")
        }
    }

    @Test(
        "an image boots on the hardware that its format is for, unless another is asked for",
        arguments: [
            ("QFI\u{fb}", 0, Hardware.qemu), ("conectix", 0, .hyperv), ("KDMV", 0, .vmware),
            ("vhdxfile", 0, .qemuUEFI), ("\u{1f}\u{8b}\u{8}", 0, .qemu),
            ("ustar", 257, .virtualbox),
        ])
    func hardware(magic: String, offset: Int, usual: Hardware) async throws {
        try await withTemporaryDirectory { folder in
            var bytes = [UInt8](repeating: 0, count: 4096)
            for (index, scalar) in magic.unicodeScalars.enumerated() {
                bytes[offset + index] = UInt8(truncatingIfNeeded: scalar.value)
            }
            try Data(bytes).write(to: URL(filePath: "\(folder)/image"))
            #expect(try Hardware.chosen(nil, for: "\(folder)/image") == usual)
            #expect(try Hardware.chosen(.ec2, for: "\(folder)/image") == .ec2)
            #expect(throws: Failure.self) { try Hardware.chosen(.ec2, for: "\(folder)/none") }
        }
    }

    @Test(
        "an entry of the cache is described by its roles",
        arguments: [
            (["roles": "docker", "asset id": "1"], "role docker (first built for 1)"),
            (["roles": "jupyter, notebooks", "asset id": "1"], "roles jupyter, notebooks (first built for 1)"),
            (["asset id": "1"], "first built for 1"),
        ])
    func cacheEntry(inputs: [String: String], description: String) {
        let entry = ContentCache.Entry(
            kind: .layers, key: "k", inputs: inputs, bytes: 1, lastUsed: 0, isInUse: false, isWhole: true)
        #expect(entry.description == description)
    }

    @Test("a failure is text on standard error, or with --json an event on standard output")
    func failure() async {
        let text = await PretendWorld().dss("definition", "--definition", "none.yaml")
        #expect(text.code == 65 && text.output.isEmpty && text.errors.contains("none.yaml"), "\(text.errors)")
        let json = await PretendWorld().dss("definition", "--definition", "none.yaml", "--json")
        #expect(json.code == 65 && json.errors.isEmpty)
        #expect(json.json["event"] as? String == "failure" && json.json["code"] as? Int == 65)
    }

    @Test("colors only on a terminal, and none with NO_COLOR or a dumb one")
    func colors() async throws {
        try await withFolder { world in
            var world = world
            func errors() async -> String { await world.dss("create-vm").errors }
            #expect(await !errors().contains("\u{1b}["))
            world.person = "no"
            #expect(await errors().contains("\u{1b}["))
            for plain in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
                world.environment = plain
                #expect(await !errors().contains("\u{1b}["), "\(plain)")
            }
        }
    }

    @Test("without root, a local build is refused before anything happens")
    func root() async throws {
        try await withFolder { world in
            let said = await world.dss("create-vm")
            #expect(said.code == 77 && said.errors.contains("sudo dss create-vm"), "\(said.errors)")
        }
    }

    @Test("a shell in a machine needs root")
    func shellNeedsRoot() async throws {
        try await withFolder { world in
            let said = await world.dss("shell", "1.0.0", "--", "id")
            #expect(said.code == 77 && said.errors.contains("sudo dss shell"), "\(said.errors)")
        }
    }

    @Test(
        "a file that cannot be written at the end is refused before the build",
        arguments: [["create-vm", "--report"], ["create-docker-image", "--archive"]])
    func unwritable(command: [String]) async throws {
        try await withFolder { world in
            var world = world
            world.isRoot = true
            try makeDirectory("\(world.directory)/folder")
            for file in ["none/file", "folder"] {
                let said = await world.dss(command + [file])
                #expect(said.code == 65 && said.errors.contains("cannot write \(world.directory)/\(file): "), "\(said)")
            }
        }
    }

    @Test("without a kept machine and a finished build there is no shell")
    func noShell() async throws {
        try await withFolder { world in
            var world = world
            (world.isRoot, world.runner) = (true, SystemCommandRunner())
            let place = ["--bucket", "bucket", "--cache", "cache", "--state", "state"]
            let shell = await world.dss(["shell", "x"] + place)
            #expect(shell.code == 65 && shell.errors.contains("no machine of 'x' was kept"), "\(shell.errors)")
        }
    }

    @Test(
        "what cannot be resumed is refused before anything happens",
        arguments: [("--provider=aws", "on AWS"), ("--no-cache", "--no-cache"), ("--release", "--release")])
    func noResume(option: String, reason: String) async {
        let said = await PretendWorld().dss("create-vm", "--resume", option)
        #expect(said.code == 64 && said.errors.contains(reason), "\(said.errors)")
    }

    @Test("delete-assets wants to know what to delete")
    func deleteNothing() async {
        let said = await PretendWorld().dss("delete-assets")
        #expect(said.code == 64 && said.errors.contains("specify --asset-id or --leftovers"), "\(said.errors)")
    }

    @Test("assets are removed after a yes, not after anything else, and never unasked", arguments: ["y", "n", nil])
    func question(answer: String?) async throws {
        try await withFolder { world in
            var world = world
            let image = "\(world.directory)/bucket/data_science_sandbox/1.0.0/small.vhd"
            try makeDirectory(parentDirectory(image))
            try writeAtomically("x", to: image)
            (world.isRoot, world.person) = (true, answer)
            world.runner = SystemCommandRunner()
            let place = ["--bucket", "bucket", "--cache", "cache", "--state", "state"]
            let said = await world.dss(["delete-assets", "--asset-id", "1.0.0"] + place)
            #expect(said.code == ["y": 0, "n": 1][answer ?? "", default: 64], "\(said.errors)")
            #expect(fileExists(image) == (answer != "y"))
            #expect(said.errors.contains("Remove all of these assets? [y/N]") == (answer != nil))
        }
    }

    @Test("the whole cache is removed after a yes, not after anything else", arguments: ["y", "n", nil])
    func wholeCache(answer: String?) async throws {
        try await withFolder { world in
            var world = world
            let entry = "\(world.directory)/cache/base/b"
            (world.isRoot, world.person) = (true, answer)
            world.runner = SystemCommandRunner()
            let command = ["prune-cache", "--all", "--cache", "cache", "--state", "state"]
            #expect(await world.dss(command).code == 0, "an empty cache is no question")
            try makeDirectory(entry)
            let said = await world.dss(command)
            #expect(said.code == ["y": 0, "n": 1][answer ?? "", default: 64], "\(said.errors)")
            #expect(said.errors.contains("Remove 1 cache entry (0 B)? [y/N]") == (answer != nil), "\(said.errors)")
            #expect(fileExists(entry) == (answer != "y"))
            #expect(await world.dss(command + ["--yes"]).code == 0)
            #expect(!fileExists(entry))
        }
    }

    @Test("the contents of the cache are read by root, and by no command that removes something else")
    func verifiedCache() async throws {
        try await withFolder { world in
            var world = world
            world.runner = SystemCommandRunner()
            let command = ["prune-cache", "--verify", "--cache", "cache", "--state", "state"]
            #expect(await world.dss(command).code == 77)
            world.isRoot = true
            let said = await world.dss(command)
            #expect(said.code == 0 && said.output.contains("the cache is empty"), "\(said)")
            for other in [["--all"], ["--keep", "1GB"], ["--unused-for", "3"]] {
                #expect(await world.dss(command + other).code == 64)
            }
        }
    }

    @Test("the kind of an asset is named once")
    func assetName() {
        let name = { (kind: Asset.Kind, id: String) in
            AssetConsole<LocalAssets>.name(Asset(kind, assetID: "1.0", id: id, bytes: nil, state: .orphaned))
        }
        #expect(name(.process, "process 12") == "process 12")
        #expect(name(.process, "slirp4netns (process 12)") == "process slirp4netns (process 12)")
        #expect(name(.image, "/b/image.vhd") == "image /b/image.vhd")
    }

    @Test("tools for root are found after those in PATH")
    func searchPath() {
        #expect(Live.searchPath("/usr/bin:/sbin") == "/usr/bin:/sbin:/usr/local/sbin:/usr/sbin")
        #expect(Live.searchPath(nil) == "/usr/local/sbin:/usr/sbin:/sbin")
    }

    @Test("--only-formats asks before anything is built, and never removes unasked", arguments: ["n", nil])
    func onlyFormats(answer: String?) async throws {
        try await withFolder { world in
            var world = world
            let order = BuildOrder(
                assetID: try AssetID("1.0.0"),
                definition: SandboxDefinition(
                    name: "small", version: "1.0.0", playbook: .init(file: "/p", pins: "/q", roles: [])),
                password: nil)
            let image = Manifest.File(name: "small-1.0.0.vmdk", format: .vmdk, bytes: 1, sha256: "00")
            let folder = "\(world.directory)/bucket/data_science_sandbox/1.0.0"
            try makeDirectory(folder)
            try writeAtomically("x", to: "\(folder)/\(image.name)")
            try writeAtomically(
                try Manifest(order, files: [image], built: world.now).json, to: "\(folder)/\(Manifest.fileName)")
            (world.isRoot, world.person) = (true, answer)
            let said = await world.dss("create-vm", "--only-formats", "--format", "vhd", "--bucket", "bucket")
            #expect(said.code == (answer == nil ? 64 : 1), "\(said.errors)")
            #expect(said.errors.contains("\(folder)/\(image.name)\n"), "\(said.errors)")
            #expect(said.errors.contains("nothing was built or removed"), "\(said.errors)")
            #expect(said.errors.contains("Remove this image after the build? [y/N]") == (answer != nil))
            #expect(fileExists("\(folder)/\(image.name)"))
        }
    }

    @Test("two commands in one world both find the secret, and neither shows it")
    func secretTwice() async {
        var world = PretendWorld()
        world.environment = [
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "sEcReT", "AWS_REGION": "eu-central-1",
        ]
        world.network = CallerNetwork()
        for _ in 1...2 {
            let said = await world.dss("whoami", "--json", "--log-level", "debug")
            #expect(said.code == 0, "\(said.errors)")
            #expect(said.json["account"] as? String == "123456789012")
            #expect(!(said.output + said.errors).contains("sEcReT"))
        }
    }

    @Test("the real program takes the secrets out of the environment before it starts another one")
    func secretOfProcess() async throws {
        try await withTemporaryDirectory { folder in
            let tool = "\(folder)/qemu-img"
            try writeAtomically("#!/bin/sh\nenv >\(folder)/seen\necho qemu-img version 8.0\n", to: tool, mode: 0o755)
            let secrets = ["DSS_DEFAULT_PASSWORD"] + Live.secretVariables
            let environment = Dictionary(secrets.map { ($0, "sEcReT") }) { $1 }
                .merging(["PATH": "\(folder):/usr/bin:/bin", "LC_ALL": "C"]) { $1 }
            _ = try await Program.run(["doctor"], environment, in: folder)
            let seen = try readText("\(folder)/seen")
            #expect(seen.contains("LC_ALL=C") && !seen.contains("sEcReT"), "\(seen)")
        }
    }
}

/// A network with nothing but an STS that knows everybody.
struct CallerNetwork: Network, Transport {
    func withTransport<Result>(
        _ settings: HTTPSettings, _ body: (any Transport) async throws -> Result
    ) async throws -> Result { try await body(self) }

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        let answer = """
            <GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>\
            <Arn>arn:aws:iam::123456789012:user/me</Arn><UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account>\
            </GetCallerIdentityResult></GetCallerIdentityResponse>
            """
        return HTTPResponse(status: 200, body: Array(answer.utf8))
    }
}
