import Foundation
import RegistryTestSupport
import Sandbox
import Testing
import Workbench

@testable import LocalProvider

/// Pushes to a real registry on this machine.
@Suite(
    "Pushing to a registry",
    .enabled(if: FileManager.default.isExecutableFile(atPath: Registry.program), "needs docker-registry"))
struct PushTests {
    static let environment = ["DOCKER_REGISTRY_USER": "pusher", "DOCKER_REGISTRY_PASSWORD": "right"]

    /// A finished small image, as a build leaves it.
    private func image(in folder: String) async throws -> (AssetFolder<DirectoryStore>, Manifest.Container) {
        try makeDirectory(folder)
        let order = try LayoutTests.order()
        let layout = try await LayoutTests.written(in: folder, order)
        let place = AssetFolder(DirectoryStore(folder), order.build.assetID, under: "p")
        try makeDirectory(place.path)
        try renameFile(layout.directory, to: place.layout.directory)
        let layers = try place.layout.manifest().layers.map {
            Manifest.Container.Layer(name: "all", digest: $0.digest, bytes: $0.size)
        }
        return (
            place,
            Manifest.Container(
                reference: order.reference, digest: try place.layout.manifestDigest(), layers: layers, missing: [],
                user: "ubuntu",
                jupyterPort: 49494, inputs: order.inputs)
        )
    }

    private func push(
        _ folder: String, to registry: Registry, path: String = "exasol/small", environment: [String: String] = [:]
    ) async throws -> Manifest.Container {
        let (place, record) = try await image(in: folder)
        let push = Push(
            runner: Registry.runner, repository: try ImageRepository("\(registry.host)/\(path)"),
            credentials: try RegistryCredentials(user: nil, environment: environment))
        return try await push.publish(record, of: LayoutTests.order(), in: place) { _ in }
    }

    private func code(_ body: () async throws -> Void) async -> Failure.Code? {
        do { try await body() } catch { return (error as? Failure)?.code }
        return nil
    }

    @Test("version and latest are the image that was built, and skopeo pulls it whole")
    func published() async throws {
        try await Registry.with { registry in
            try await withTemporaryDirectory(in: "/var/tmp") { folder in
                let record = try await push(folder, to: registry)
                #expect(record.isPublished)
                #expect(try await registry.tags("exasol/small") == ["1.0.0", "latest"])
                let pulled = ImageLayout(directory: "\(folder)/pulled")
                try await registry.pull("exasol/small:latest", to: pulled.directory)
                #expect(try pulled.manifestDigest() == record.digest)
                #expect(await pulled.isWhole())
            }
        }
    }

    @Test("existing layers are not sent again, and are mounted from other repositories")
    func nothingTwice() async throws {
        try await Registry.with { registry in
            try await withTemporaryDirectory(in: "/var/tmp") { folder in
                let first = try await push("\(folder)/a", to: registry)
                let layer = first.layers[0].digest.replacing("sha256:", with: "")
                let sent = try registry.uploads()
                #expect(sent > 0)
                _ = try await push("\(folder)/b", to: registry)
                #expect(try registry.uploads() == sent)
                _ = try await push("\(folder)/c", to: registry, path: "exasol/other")
                let requests = try readText(registry.log).split(separator: "\n")
                #expect(requests.contains { $0.contains("/exasol/other/") && $0.contains("mount=sha256") })
                #expect(!requests.contains { $0.contains("PUT /v2/exasol/other/blobs/") && $0.contains(layer) })
            }
        }
    }

    @Test("wrong credentials differ from an unreachable registry; correct ones leave nothing behind")
    func credentials() async throws {
        try await Registry.with(isClosed: true) { registry in
            try await withTemporaryDirectory(in: "/var/tmp") { folder in
                let wrong = Self.environment.merging(["DOCKER_REGISTRY_PASSWORD": "wrong"]) { $1 }
                #expect(
                    await code { _ = try await push("\(folder)/a", to: registry, environment: wrong) } == .noPermission)
                _ = try await push("\(folder)/b", to: registry, environment: Self.environment)
                #expect(try registry.uploads() > 0)
            }
        }
    }

    @Test("a full quota of the registry is reported, and nothing is tagged")
    func quota() async throws {
        try await Registry.with { registry in
            try await withTemporaryDirectory(in: "/var/tmp") { folder in
                try await registry.misbehaving("quota") { front in
                    #expect(await code { _ = try await push(folder, to: front) } == .temporary)
                }
                #expect(try await registry.tags("exasol/small").isEmpty)
            }
        }
    }

    @Test("a registry that dies during a push has no tag; the next push sends no layer again")
    func death() async throws {
        try await Registry.with { registry in
            try await withTemporaryDirectory(in: "/var/tmp") { folder in
                try await registry.misbehaving("dies") { front in
                    #expect(await code { _ = try await push("\(folder)/a", to: front) } == .unavailable)
                }
                #expect(try await registry.tags("exasol/small").isEmpty)
                let sent = try registry.uploads()
                _ = try await push("\(folder)/b", to: registry)
                #expect(try registry.uploads() == sent)
                #expect(try await registry.tags("exasol/small") == ["1.0.0", "latest"])
            }
        }
    }

    @Test(
        "a password that nobody can type is refused without it",
        arguments: ["sEcReT\n", "\u{FEFF}sEcReT", "sEcReT\u{FFFD}", "sEcReT\u{1B}"])
    func untypable(password: String) throws {
        let failure = try #require(throws: Failure.self) {
            try RegistryCredentials(user: "me", environment: ["DOCKER_REGISTRY_PASSWORD": password])
        }
        #expect(failure.code == .usage && failure.message.hasPrefix("DOCKER_REGISTRY_PASSWORD "))
        #expect(!failure.description.contains("sEcReT"))
    }

    @Test("a user without a password, or a password without a user, is refused before anything is built")
    func halves() {
        #expect(throws: Failure.self) { try RegistryCredentials(user: "me", environment: [:]) }
        #expect(throws: Failure.self) {
            try RegistryCredentials(user: nil, environment: ["DOCKER_REGISTRY_PASSWORD": "x"])
        }
    }
}
