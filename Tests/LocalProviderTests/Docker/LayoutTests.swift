import Foundation
import Provisioning
import Sandbox
import Testing
import Workbench

@testable import LocalProvider

@Suite("Image layouts")
struct LayoutTests {
    static let runner = SystemCommandRunner()

    static func order(roles: [String] = ["base", "jupyter", "own", "container"]) throws -> DockerOrder {
        let definition = SandboxDefinition(
            name: "small", version: "1.0.0",
            playbook: .init(file: "/playbook/site.yml", pins: "/pins.yaml", roles: roles))
        let build = BuildOrder(
            assetID: try AssetID("1.0.0"), definition: definition.cutIntoLayers, password: .given(Secret("")),
            edition: .container)
        return try DockerOrder(
            build, repository: ImageRepository("exasol/small"), version: "1.0.0", compression: .gzip,
            inputs: BuildInputs(stepKeys: ["a", "b", "c", "d"]), revision: "abc", created: 1_700_000_000,
            programDigest: "program")
    }

    /// A layout with one layer, as a build would write it.
    static func written(in folder: String, _ order: DockerOrder, text: String = "hello") async throws -> ImageLayout {
        let tree = "\(folder)/tree-\(text)"
        try makeDirectory(tree)
        try writeAtomically(text, to: "\(tree)/file")
        let store = LayerStore(runner: runner, workspace: folder, compression: .gzip, usesCache: false)
        let layer = try await store.layer(of: CachedTree(key: text, path: tree))
        let layout = ImageLayout(directory: "\(folder)/layout-\(text)")
        let configuration = ImageConfiguration(order, layers: [layer], names: ["all"])
        _ = try layout.write(configuration, layers: [layer], tag: order.version)
        return layout
    }

    @Test("skopeo reads what is written: configuration, labels and layers")
    func readBySkopeo() async throws {
        try await withTemporaryDirectory { folder in
            let layout = try await Self.written(in: folder, try Self.order())
            let text = try await Self.runner.run(Command("skopeo", ["inspect", "oci:\(layout.directory):1.0.0"]))
            let shown = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            #expect(shown?["Digest"] as? String == (try layout.manifestDigest()))
            #expect((shown?["Created"] as? String)?.hasPrefix("2023-11-14T22:13:20") == true)
            let labels = shown?["Labels"] as? [String: String] ?? [:]
            #expect(labels["org.opencontainers.image.version"] == "1.0.0")
            #expect(labels["org.opencontainers.image.revision"] == "abc")
            #expect(labels["org.opencontainers.image.source"] == "https://github.com/exasol/data-science-sandbox")
            #expect(labels["org.opencontainers.image.licenses"] == "MIT")
            #expect((shown?["Layers"] as? [String])?.count == 1)
            #expect(await layout.isWhole())
        }
    }

    @Test("skopeo reads and archives a layout in a directory with a colon or a comma", arguments: ["a:b", "a,b"])
    func separators(_ name: String) async throws {
        try await withTemporaryDirectory { folder in
            let written = try await Self.written(in: folder, try Self.order())
            let layout = ImageLayout(directory: "\(folder)/\(name)")
            try renameFile(written.directory, to: layout.directory)
            try await Self.runner.run(
                Command("skopeo", ["inspect", layout.location("1.0.0")], workingDirectory: layout.directory))
            let archive = "\(folder)/image.tar"
            try await Self.runner.run(.archive(layout, tag: "1.0.0", to: archive, reference: "me/small:1.0.0"))
            #expect(fileExists(archive))
        }
    }

    @Test("what names no image is refused, with the directory or the name to pass")
    func sources() async throws {
        #expect(try ImageSource("exasol/small:1.0.0") == .reference("exasol/small:1.0.0"))
        for path in ["/nonexistent", "./nonexistent", "oci:nonexistent"] {
            let failure = #expect(throws: Failure.self) { try ImageSource(path) }
            #expect(failure?.code == .badData && failure?.advice?.contains("oci-layout") == true, "\(path)")
        }
        try await withTemporaryDirectory { folder in
            try makeDirectory("\(folder)/docker")
            try writeAtomically("{}", to: "\(folder)/docker/oci-layout")
            let above = #expect(throws: Failure.self) { try ImageSource(folder) }
            #expect(above?.advice == "pass \(folder)/docker instead")
            try writeAtomically("[]", to: "\(folder)/docker/index.json")
            let damaged = #expect(throws: Failure.self) { try ImageSource("\(folder)/docker") }
            #expect(damaged?.code == .badData)
        }
    }

    @Test("a changed byte in any file is detected")
    func damage() async throws {
        try await withTemporaryDirectory { folder in
            let layout = try await Self.written(in: folder, try Self.order())
            let blobs = "\(layout.directory)/blobs/sha256"
            for name in try FileManager.default.contentsOfDirectory(atPath: blobs) {
                var data = try Data(contentsOf: URL(filePath: "\(blobs)/\(name)"))
                data[data.count / 2] ^= 1
                try data.write(to: URL(filePath: "\(blobs)/\(name)"))
                #expect(await !layout.isWhole(), "\(name)")
                data[data.count / 2] ^= 1
                try data.write(to: URL(filePath: "\(blobs)/\(name)"))
            }
            #expect(await layout.isWhole())
        }
    }

    @Test("the playbook is cut so that what changes often comes last")
    func steps() throws {
        let roles = [
            "base", "poetry", "jupyter", "jupyter_settings", "notebooks", "docker", "netplan", "container", "own",
        ]
        let steps = try Self.order(roles: roles).build.definition.playbook.steps.map(\.roles)
        #expect(
            steps == [
                ["base", "docker"], ["poetry", "jupyter"], ["netplan", "own"],
                ["jupyter_settings", "notebooks", "container"],
            ])
    }

    @Test("whatever decides the image changes its inputs")
    func inputs() throws {
        let order = try Self.order()
        var others: [DockerOrder] = []
        for change in [
            { $0.compression = .zstd }, { $0.created += 1 }, { $0.revision = nil }, { $0.programDigest = "newer" },
            { $0.version = "1.0.1" }, { $0.buildInputs.stepKeys[3] = "e" }, { $0.build.isRelease = true },
            { $0.build.definition.base.mirror = "https://mirror.example" },
            { $0.build.definition.base.securityMirror = "none" }, { $0.build.definition.base.sources = .mirror },
        ] as [(inout DockerOrder) -> Void] {
            var other = order
            change(&other)
            others.append(other)
        }
        #expect(try Self.order().inputs == order.inputs)
        #expect(Set(others.map(\.inputs)).union([order.inputs]).count == others.count + 1)
    }

    @Test(
        "without Docker, an image is not copied to where its programs cannot run",
        .enabled(if: geteuid() == 0, "needs root to mount a tmpfs"))
    func noExec() async throws {
        try await withTmpfs("noexec") { folder in
            let failure = await #expect(throws: Failure.self) {
                try await RuncHost.with(.reference("localhost/x:1"), runner: Self.runner, in: folder) { _ in }
            }
            #expect(
                failure?.code == .unavailable && failure?.message.contains("\(folder) is mounted with noexec") == true)
        }
    }
}
