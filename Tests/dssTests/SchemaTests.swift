import AWSTestSupport
import FoundationEssentials
import Reporting
import Sandbox
import Testing

/// What programs read is what docs/schemas promises.
@Suite("docs/schemas")
struct SchemaTests {
    private static let artifact = Artifact(
        format: .vhd, location: "/bucket/lab-0.1.0.vhd", bytes: 1 << 33, sha256: String(repeating: "0f", count: 32))
    private static let machineImage = MachineImage(id: "ami-0123456789abcdef0", name: "lab", region: "eu-central-1")
    private static let missing = MissingComponent(component: "script_languages", reason: "cannot be reached")

    static func events() throws -> [BuildEvent] {
        let outcomes: [StageOutcome] = [.done, .cached, .failed, .interrupted]
        return [.buildStarted(assetID: try AssetID("0.1 beta"), provider: "local")]
            + Stage.allCases.map { .stageStarted($0) }
            + outcomes.map { .stageFinished(.export, seconds: 1.5, outcome: $0) }
            + [Progress.Unit.bytes, .tasks, .percent, .none].map {
                .progress(.setup, Progress("boot", completed: 1, total: 2, unit: $0))
            }
            + [
                .progress(.install, Progress("boot", completed: .nan)),
                .task(TaskResult(index: 1, count: nil, role: nil, name: "ping", status: .ok, seconds: 0)),
                .task(
                    TaskResult(
                        index: 2, count: 3, role: "jupyter", name: "install", status: .unreachable, seconds: 1,
                        module: "pip", message: "no route")),
                .output(.seal, line: "\u{1B}[31mred"), .activityStarted("export"), .activityFinished("export"),
                .passwordSet(user: "ubuntu", Secret("x")), .notice("note"), .lacking(missing), .artifact(artifact),
            ]
    }

    static func report() throws -> BuildReport {
        BuildReport(
            assetID: try AssetID("0.1.0"), provider: "aws",
            stages: [.init(stage: .cleanUp, seconds: 1, outcome: .done)],
            activities: [Activity("export vhd", began: 0, ended: 2)], machineImage: machineImage,
            artifacts: [artifact], missing: [missing], user: "ubuntu", jupyterPort: 49494)
    }

    static func manifest(_ machineImage: MachineImage?, crc64: String?) throws -> Manifest {
        let definition = SandboxDefinition(
            name: "lab", version: "0.1.0", playbook: .init(file: "/site.yml", pins: "/pins.yaml", roles: ["base"]))
        let order = BuildOrder(assetID: try AssetID("0.1.0"), definition: definition, password: .given(Secret("x")))
        var manifest = Manifest(
            order,
            files: [
                .init(
                    name: "lab.vhd", format: .vhd, bytes: 1, sha256: crc64 == nil ? artifact.sha256 : nil,
                    crc64: crc64)
            ],
            missing: [missing], inputs: "abc", built: Date(timeIntervalSince1970: 1), machineImage: machineImage)
        if machineImage != nil {
            let digest = "sha256:" + String(repeating: "0f", count: 32)
            manifest.container = .init(
                reference: "exasol/lab:0.1.0", digest: digest,
                layers: [.init(name: "base", digest: digest, bytes: 1)], missing: [missing], user: "ubuntu",
                jupyterPort: 49494, inputs: "abc")
        }
        return manifest
    }

    /// An asset of every kind on a host or on AWS, with and without what not all have.
    static func assets(_ site: AssetListing.Site) -> String {
        let isLocal = if case .host = site { true } else { false }
        let kinds = Asset.Kind.allCases.filter { localKinds.contains($0) == isLocal }
        let assets = kinds.flatMap { kind in
            var full = Asset(kind, assetID: "0.1.0", id: "x", bytes: 1, state: .inUse)
            (full.region, full.name, full.monthlyCost, full.expires) = ("eu-central-1", "y", 0.5, Date())
            (full.parent, full.version, full.pullLine) = ("z", "v1", "docker pull z")
            return [full, Asset(kind, assetID: isLocal ? "0.1.0" : "", id: "x", state: .ready)]
        }
        var json = ""
        AssetListing(assets, on: site, empty: "no assets").write(as: .json, .piped) { json += $0 }
        return json
    }

    private static let localKinds: Set<Asset.Kind> = [
        .image, .manifest, .machine, .network, .process, .mount, .buildDirectory, .partialExport, .failureLogs,
    ]

    @Test("every line of --json is in the schema")
    func builds() async throws {
        let lines =
            try Self.events().map { $0.json(at: 1.25).line + "\n" } + [
                Self.report().event(password: Secret("secret")),
                BuildReport(assetID: try AssetID("1"), provider: "local", user: "u", jupyterPort: 1).event(),
                Failure(.temporary, "disk full", details: ["at /var"], advice: "free some space").event(),
                Failure(.failed, "install failed").event(
                    task: TaskResult(index: 1, count: 1, role: "r", name: "n", status: .failed, seconds: 1, module: "m")
                ),
            ]
        #expect(try await JSONSchema.buildEvent.complaints(about: lines.joined()) == "")
    }

    @Test("the manifest and the lists of assets are in theirs")
    func documents() async throws {
        for manifest in [
            try Self.manifest(nil, crc64: nil), try Self.manifest(Self.machineImage, crc64: "AAAAAAAAAAA="),
        ] {
            #expect(try await JSONSchema.manifest.complaints(about: manifest.json) == "")
        }
        #expect(try await JSONSchema.assets.complaints(about: Self.assets(.host)) == "")
        #expect(try await JSONSchema.awsAssets.complaints(about: Self.assets(.aws(prices: "2026-01"))) == "")
    }

    @Test(
        "what is not promised is found",
        arguments: [
            (JSONSchema.buildEvent, #"{"event":"notice","at":1,"message":"x"}"#, #""at":1"#, #""at":"1""#),
            (.buildEvent, #"{"event":"notice","at":1,"message":"x"}"#, "notice", "rumor"),
            (.buildEvent, #"{"event":"output","at":1,"stage":"seal","line":"x"}"#, "seal", "sealing"),
            (.assets, #"[{"asset_id":"1","kind":"image","name":"x","bytes":1,"state":"ready"}]"#, #""bytes":1,"#, ""),
            (.assets, #"[{"asset_id":"1","kind":"image","name":"x","bytes":1,"state":"in-use"}]"#, "in-use", "in use"),
        ])
    func mistakes(schema: JSONSchema, document: String, right: String, wrong: String) async throws {
        #expect(try await schema.complaints(about: document) == "")
        #expect(try await schema.complaints(about: document.replacing(right, with: wrong)) != "")
    }

    @Test("a manifest with a surprising member is found")
    func surprise() async throws {
        let json = try Self.manifest(nil, crc64: nil).json
        #expect(try await JSONSchema.manifest.complaints(about: json.replacing("diskMiB", with: "diskGiB")) != "")
    }
}
