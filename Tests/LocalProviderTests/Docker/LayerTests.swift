import Foundation
import Sandbox
import Testing
import Workbench

@testable import LocalProvider

/// Layers of small trees, read back by tar.
@Suite("Layers", .enabled(if: geteuid() == 0, "makes device files, which needs root"))
struct LayerTests {
    static let runner = SystemCommandRunner()

    /// Makes a tree by a shell script and gives the lines of its layer: type, mode, owner, size, time and name.
    private func layer(
        _ script: String, _ compression: LayerCompression = .zstd,
        _ body: (_ lines: [String], _ layer: Layer) throws -> Void
    ) async throws {
        try await withTemporaryDirectory(in: "/var/tmp") { folder in
            try makeDirectory("\(folder)/tree")
            try await Self.runner.run(Command("sh", ["-eu", "-c", script], workingDirectory: "\(folder)/tree"))
            let store = LayerStore(runner: Self.runner, workspace: folder, compression: compression, usesCache: true)
            let layer = try await store.layer(of: CachedTree(key: "key", path: "\(folder)/tree"))
            let list = try await Self.runner.run(
                Command("tar", ["--list", "--verbose", "--numeric-owner", "--full-time", "--file", layer.path]))
            try body(list.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }, layer)
        }
    }

    @Test("what an overlay removed becomes a whiteout, a directory that hides another one an opaque one")
    func whiteouts() async throws {
        try await layer(
            """
            mkdir -p etc/new usr
            echo new > etc/new/file
            mknod etc/gone c 0 0
            mknod 'etc/two words' c 0 0
            setfattr -n trusted.overlay.opaque -v y etc/new
            """
        ) { lines, _ in
            let names = lines.map { $0.split(separator: " ").dropFirst(5).joined(separator: " ") }
            #expect(
                names == [
                    "etc/", "etc/new/", "etc/new/file", "usr/", "etc/.wh.gone", "etc/.wh.two words",
                    "etc/new/.wh..wh..opq",
                ])
        }
    }

    @Test("times are clamped, owners and modes are kept, links stay links")
    func attributes() async throws {
        try await layer(
            """
            echo old > old; touch -d '2020-02-02 02:02:02 UTC' old
            echo new > new; chown 1000:1000 new; chmod 4750 new
            ln new hard; ln -s new soft
            setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 old
            """
        ) { lines, layer in
            #expect(
                lines.contains("-rw-r--r-- 0/0 4 2020-02-02 02:02:02 old"), "\(lines)")
            #expect(lines.contains("-rwsr-x--- 1000/1000 4 2025-01-01 00:00:00 hard"), "\(lines)")
            #expect(lines.contains { $0.hasSuffix("new link to hard") }, "\(lines)")
            #expect(lines.contains { $0.hasSuffix("soft -> new") }, "\(lines)")
            let archive = try Data(contentsOf: URL(filePath: layer.path))
            #expect(archive.count == layer.bytes)
        }
    }

    @Test("what a build leaves and what belongs to a running system is not taken")
    func leftOut() async throws {
        try await layer(
            """
            for file in dev/null proc/x run/x tmp/x var/tmp/x var/log/dpkg.log var/log/journal/x/y etc/machine-id \\
                etc/passwd- root/.ansible/tmp/x home/ubuntu/.cache/uv/x home/ubuntu/.ssh/authorized_keys \\
                root/.bash_history var/lib/apt/lists/x var/cache/ldconfig/aux-cache etc/ssh/ssh_host_ed25519_key \\
                var/lib/dpkg/status-old usr/local/lib/dss/seal.d/x home/ubuntu/notebooks/.cache-of-mine; do
                mkdir -p "$(dirname $file)"; echo x > "$file"
            done
            """
        ) { lines, _ in
            let files = lines.filter { $0.hasPrefix("-") }.compactMap { $0.split(separator: " ").last.map(String.init) }
            #expect(files == ["home/ubuntu/notebooks/.cache-of-mine"])
        }
    }

    @Test("an empty machine-id stays, so that systemd takes no boot for the first one")
    func machineID() async throws {
        try await layer("mkdir etc; : > etc/machine-id") { lines, _ in
            #expect(lines.contains { $0.hasSuffix("etc/machine-id") })
        }
    }

    @Test("two trees of the same files give the same bytes", arguments: LayerCompression.allCases)
    func reproducible(_ compression: LayerCompression) async throws {
        var layers: [Layer] = []
        for order in ["b a c", "c b a"] {
            try await layer("for name in \(order); do echo $name > $name; done", compression) { _, layer in
                layers.append(layer)
            }
        }
        #expect(layers[0].digest == layers[1].digest)
        #expect(layers[0].diffID == layers[1].diffID)
        #expect(layers[0].mediaType.hasSuffix("+\(compression.rawValue)"))
    }

    @Test("a tree is compressed once, and again where its file is damaged in length")
    func cache() async throws {
        try await withTemporaryDirectory(in: "/var/tmp") { folder in
            let tree = CachedTree(key: "key", path: "\(folder)/tree")
            try makeDirectory(tree.path)
            try writeAtomically("one", to: "\(tree.path)/file")
            let store = LayerStore(runner: Self.runner, workspace: folder, compression: .zstd, usesCache: true)
            let first = try await store.layer(of: tree)
            try writeAtomically("two", to: "\(tree.path)/file")
            #expect(try await store.layer(of: tree) == first)
            try writeAtomically("", to: first.path)
            #expect(try await store.layer(of: tree) != first)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left.allSatisfy { !$0.hasPrefix("dss.") }, "no scratch is left: \(left)")
        }
    }
}
