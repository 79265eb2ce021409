import Foundation
import Sandbox

@testable import Releasing

/// A manifest as a build writes it.
func sampleManifest(
    _ id: String = "0.1.0", version: String = "0.1.0", day: Int = 24,
    files: [Manifest.File] = [
        Manifest.File(
            name: "sandbox.vhd", format: .vhd, bytes: 1_363_148_800, sha256: String(repeating: "a1", count: 32)),
        Manifest.File(
            name: "sandbox.vmdk", format: .vmdk, bytes: 1_204_000_000, sha256: String(repeating: "b2", count: 32)),
        Manifest.File(name: "sandbox.qcow2", format: .qcow2, bytes: 900_000, sha256: nil, crc64: "AAAAAAAAAAA="),
    ], missing: [MissingComponent] = []
) throws -> Manifest {
    let playbook = SandboxDefinition.Playbook(file: "/x/site.yml", pins: "/x/pins.yaml", roles: [])
    let definition = SandboxDefinition(name: "data-science-sandbox", version: version, playbook: playbook)
    let order = BuildOrder(
        assetID: try AssetID(id), definition: definition, password: .generated(Secret("unused")))
    return Manifest(
        order, files: files, missing: missing, inputs: "i",
        built: Date(timeIntervalSince1970: 1_795_000_000 + Double(day) * 86_400))
}

func sampleRelease(_ id: String = "0.1.0", version: String = "0.1.0", day: Int = 24) throws -> PublishedRelease {
    PublishedRelease(
        try sampleManifest(id, version: version, day: day),
        images: [
            .init(region: "us-east-1", id: "ami-0123456789abcdef1", name: "Sandbox-\(id)", isPublic: true),
            .init(region: "eu-central-1", id: "ami-0123456789abcdef0", name: "Sandbox-\(id)", isPublic: false),
        ]
    ) { "data_science_sandbox/\(id)/\($0)" }
}
