import FoundationEssentials
import Glibc
import Sandbox
import Testing
import Workbench

@testable import DiskImages

/// Real disks written with the real tools from a root directory of a few MB.
@Suite(.serialized, .enabled(if: canWriteDisks))
struct DiskWriterTests {
    @Test func diskHasATableABootLoaderAndEveryFile() async throws {
        try await withTemporaryDirectory { directory in
            let root = try SmallRoot.make(in: directory)
            let log = ProgressLog()
            let disk = try await DiskWriter(runner: runner).write(
                root, to: "\(directory)/d,1.raw", sizeMiB: 256, progress: log.sink)
            #expect(try names(in: directory) == ["d,1.raw", "root"], "nothing else is left")
            #expect(disk.virtualBytes == 256 << 20)
            #expect(try FileSize(of: disk.path).allocated < 64 << 20, "it is sparse")
            #expect(log.all.contains { $0.activity == "writing the disk" && $0.unit == .bytes })

            try await runner.run(Command("sfdisk", ["--verify", disk.path]))
            let dump = try await runner.run(Command("sfdisk", ["--dump", disk.path]))
            #expect(
                dump.contains("start=      135168, size=      387072"), "the root ends 1 MiB before the disk: \(dump)")
            #expect(dump.contains("name=\"ESP\"") && dump.contains("name=\"root\"") && dump.contains("name=\"bios\""))

            let sector = try readBytes(disk.path, count: 512)
            #expect(Array(sector[0x5c..<0x64]) == [0, 8, 0, 0, 0, 0, 0, 0])
            let list = try await runner.run(
                Command(
                    "mdir", ["-b", "-i", "\(disk.path)@@2M", "::EFI/BOOT"], environment: ["MTOOLS_SKIP_CHECK": "1"]))
            #expect(list.contains("BOOTX64.EFI"))
            let label = try await runner.run(Command("mlabel", ["-s", "-i", "\(disk.path)@@2M", "::"]))
            #expect(label.contains("ESP"))
        }
    }

    @Test("the settings that a user has for mtools change nothing")
    func settings() async throws {
        try await withTemporaryDirectory { directory in
            try writeAtomically("nonsense here\n", to: "\(directory)/.mtoolsrc")
            try writeAtomically("loader", to: "\(directory)/loader")
            let disk = "\(directory)/disk"
            try await runner.run(Command("truncate", ["--size=64M", disk]))
            let partition = DiskLayout.Partition(name: "ESP", startMiB: 1, sizeMiB: 60, type: "")
            let commands = BootLoader.espCommands(disk: disk, partition: partition, loader: "\(directory)/loader")
            for command in commands {
                // What the program inherits, and what the command itself sets.
                var command = command
                command.environment.merge(["HOME": directory]) { own, _ in own }
                try await runner.run(command)
            }
            let text = try await runner.run(
                Command("mtype", ["-i", "\(disk)@@1M", "::EFI/BOOT/BOOTX64.EFI"], environment: ["HOME": "/"]))
            #expect(text == "loader")
        }
    }

    @Test(
        "mtools neither runs what is in the path of a disk, nor takes it for an offset",
        arguments: ["$(touch run)", "`touch run`", "$HOME", "a@@1M", "b\\s", "*", "a?b"])
    func oddPath(_ name: String) async throws {
        try await withTemporaryDirectory { parent in
            let directory = "\(parent)/\(name)"
            try makeDirectory(directory)
            try writeAtomically("loader", to: "\(directory)/loader")
            let disk = "\(directory)/disk"
            try await runner.run(Command("truncate", ["--size=64M", disk]))
            let partition = DiskLayout.Partition(name: "ESP", startMiB: 1, sizeMiB: 60, type: "")
            for command in BootLoader.espCommands(disk: disk, partition: partition, loader: "\(directory)/loader") {
                try await runner.run(command)
            }
            let read = Command(
                "mtype", ["-i", "disk@@1M", "::EFI/BOOT/BOOTX64.EFI"], environment: ["HOME": "/"],
                workingDirectory: directory)
            let text = try await runner.run(read)
            #expect(text == "loader")
            #expect(!fileExists("\(directory)/run") && !fileExists("\(parent)/run"))
        }
    }

    @Test("e2fsck takes nothing in the path of a disk for its options", arguments: ["a?b", "a?offset=1"])
    func questionMark(_ name: String) async throws {
        try await withTemporaryDirectory { directory in
            let folder = "\(directory)/\(name)"
            try makeDirectory(folder)
            let root = try SmallRoot.make(in: directory)
            let disk = try await DiskWriter(runner: runner).write(root, to: "\(folder)/d.raw", sizeMiB: 256)
            #expect(fileExists(disk.path))
        }
    }

    @Test func filesComeBackAsTheyWere() async throws {
        try await withTemporaryDirectory { directory in
            let root = try SmallRoot.make(in: directory)
            let disk = try await DiskWriter(runner: runner).write(root, to: "\(directory)/d.raw", sizeMiB: 256)
            func debugfs(_ request: String) async throws -> String {
                try await runner.run(
                    Command("debugfs", ["-R", request, "\(disk.path)?offset=69206016"], environment: ["LC_ALL": "C"]))
            }
            #expect(try await debugfs("cat /etc/hostname") == "small\n")
            #expect(try await debugfs("stat /etc/secret").contains("Mode:  0600"))
            #expect(try await debugfs("stat /bin/tool").contains("Mode:  04755"))
            #expect(try await debugfs("stat /vmlinuz").contains("Fast link dest: \"boot/vmlinuz-1\""))
            #expect(try await debugfs("stat /etc/hardlink").contains("Links: 2"))
            let features = try await debugfs("stats -h")
            #expect(features.contains("Filesystem volume name:   root"))
            #expect(!features.contains("metadata_csum_seed") && !features.contains("orphan_file"))
            if getuid() == 0 {
                #expect(try await debugfs("stat /etc/secret").contains("User:  1000   Group:  1001"))
                #expect(try await debugfs("stat /dev/null").contains("character special"))
                #expect(try await debugfs("stat /dev/null").contains("01:03"))
                #expect(try await debugfs("ea_get -V /etc/hostname user.note").contains("hello"))
            } else {
                print("skipped: owners, device nodes and extended attributes need root")
            }
        }
    }

    @Test func anOverlayIsReadAsOneTree() async throws {
        guard getuid() == 0 else { return print("skipped: mounting an overlay needs root") }
        try await withTemporaryDirectory(in: "/dev/shm") { directory in
            let root = try SmallRoot.make(in: directory)
            // In a separate mount namespace, which ends with the shell.
            let script = """
                set -e
                mkdir upper work merged
                mount -t overlay overlay -o lowerdir=root,upperdir=upper,workdir=work merged
                echo changed > merged/etc/hostname
                rm merged/etc/secret
                sleep 60
                """
            let work = try await runner.start(
                Command("unshare", ["--mount", "sh", "-c", script], workingDirectory: directory),
                log: "\(directory)/log")
            defer { work.signal(SIGKILL) }
            let merged = "/proc/\(work.pid)/root\(directory)/merged"
            for _ in 0..<50 where !fileExists("\(merged)/etc/hostname") || fileExists("\(merged)/etc/secret") {
                try await Task.sleep(for: .milliseconds(50))
            }
            guard fileExists("\(merged)/etc/hostname") else {
                return print("skipped: no overlay here: \(tail(of: "\(directory)/log"))")
            }
            let disk = try await DiskWriter(runner: runner).write(merged, to: "\(directory)/d.raw", sizeMiB: 256)
            let answer = try await runner.run(
                Command("debugfs", ["-R", "cat /etc/hostname", "\(disk.path)?offset=69206016"]))
            #expect(answer == "changed\n")
            let gone = try await runner.execute(
                Command("debugfs", ["-R", "stat /etc/secret", "\(disk.path)?offset=69206016"]))
            #expect(gone.standardError.contains("File not found"))
            _ = root
        }
    }

    @Test func tooMuchContentIsRefusedBeforeAnythingIsWritten() async throws {
        try await withTemporaryDirectory { directory in
            let root = try SmallRoot.make(in: directory)
            for index in 0..<30 {
                try await runner.run(
                    Command("dd", ["if=/dev/zero", "of=\(root)/big\(index)", "bs=1M", "count=3", "status=none"]))
            }
            let failure = await failure {
                _ = try await DiskWriter(runner: runner).write(root, to: "\(directory)/d.raw", sizeMiB: 140)
            }
            #expect(failure?.code == .badData)
            #expect(failure?.message.contains("the disk is too small: the files need 9") == true)
            #expect(try names(in: directory) == ["root"])
        }
    }

    @Test func onlyAMD64() async throws {
        let failure = await failure {
            _ = try await DiskWriter(runner: runner).write("/", to: "/nowhere", sizeMiB: 256, architecture: .arm64)
        }
        #expect(failure?.code == .unavailable)
    }

    @Test func cancellingLeavesNothing() async throws {
        try await withTemporaryDirectory { directory in
            let root = try SmallRoot.make(in: directory)
            let task = Task {
                try await DiskWriter(runner: runner).write(root, to: "\(directory)/d.raw", sizeMiB: 4096)
            }
            while !fileExists("\(directory)/.d.raw.partial") { try await Task.sleep(for: .milliseconds(2)) }
            task.cancel()
            await #expect(throws: (any Error).self) { try await task.value }
            #expect(try names(in: directory) == ["root"])
        }
    }

    private func failure(_ body: () async throws -> Void) async -> Failure? {
        await DiskImagesTests.failure(of: body)
    }
}
