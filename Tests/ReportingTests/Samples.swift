import FoundationEssentials
import Reporting
import Sandbox

/// A realistic build with all the values that are hard to render.
enum Samples {
    static let wide = Style(color: false, unicode: true, width: 160)
    static let narrow = Style(color: false, unicode: true, width: 80)
    static let colored = Style(color: true, unicode: true, width: 80)
    static let ascii = Style(color: false, unicode: false, width: 80)
    static let password = Secret("correct-horse-battery-staple")

    static let failedTask = TaskResult(
        index: 3, count: 31, role: "jupyter", name: "install JupyterLab", status: .failed, seconds: 4.25,
        module: "ansible.builtin.pip",
        message: "No matching distribution found for jupyterlab==9.9.9\nyou should upgrade pip")

    static func build() throws -> [(BuildEvent, at: Double)] {
        [
            (.buildStarted(assetID: try AssetID("6.1.0"), provider: "local"), 0),
            (.stageStarted(.setup), 0),
            (.progress(.setup, Progress("mmdebstrap bookworm", completed: 45, unit: .percent)), 12.5),
            (.notice("packages come from http://mirror.example/debian"), 13),
            (.progress(.setup, Progress("boot")), 30),
            (.stageFinished(.setup, seconds: 34.06, outcome: .done), 34.06),
            (.stageStarted(.install), 34.1),
            (.progress(.install, tasks("poetry : create a virtual environment for poetry", 1)), 35),
            (.task(task(1, "poetry", "create a virtual environment for poetry", .changed)), 37),
            (.output(.install, line: "\u{1B}[0;33mchanged: [sandbox]\u{1B}[0m"), 37.1),
            (
                .progress(.install, tasks("jupyter : install JupyterLab and its dependencies into the environment", 2)),
                38
            ),
            (.task(task(2, "jupyter", "install JupyterLab", .ok)), 42),
            (.warning("the sandbox goes without script_languages:\nthe repository could not be reached"), 50),
            (.stageFinished(.install, seconds: 16, outcome: .done), 50.1),
            (.stageStarted(.seal), 50.2),
            (.stageFinished(.seal, seconds: 2.04, outcome: .done), 52.2),
            (.stageStarted(.capture), 52.3),
            (.stageFinished(.capture, seconds: 0.2, outcome: .cached), 52.5),
            (.stageStarted(.export), 52.6),
            (.progress(.export, Progress("vhd", completed: 512e6, total: 1300e6, unit: .bytes)), 54),
            (.progress(.export, Progress("vmdk", completed: 100e6, total: 1300e6, unit: .bytes)), 54.1),
            (.artifact(artifacts[0]), 95),
            (.stageFinished(.export, seconds: 75.2, outcome: .done), 127.8),
            (.stageStarted(.cleanUp), 127.9),
            (.stageFinished(.cleanUp, seconds: 1, outcome: .done), 128.9),
        ]
    }

    static let failingBuild: [(BuildEvent, at: Double)] = [
        (.stageStarted(.install), 0),
        (.task(failedTask), 4.25),
        (.stageFinished(.install, seconds: 4.3, outcome: .failed), 4.3),
        (.stageStarted(.cleanUp), 4.4),
        (.stageFinished(.cleanUp, seconds: 1, outcome: .done), 5.4),
    ]

    static let artifacts = [
        artifact(.vhd, bytes: 1_363_148_800), artifact(.vmdk, bytes: 612_368_384),
    ]

    static func report() throws -> BuildReport {
        BuildReport(
            assetID: try AssetID("6.1.0"), provider: "local",
            stages: [
                .init(stage: .setup, seconds: 34.06, outcome: .done),
                .init(stage: .install, seconds: 16, outcome: .done),
                .init(stage: .seal, seconds: 2.04, outcome: .done),
                .init(stage: .capture, seconds: 0.2, outcome: .cached),
                .init(stage: .export, seconds: 75.2, outcome: .done),
                .init(stage: .cleanUp, seconds: 1, outcome: .done),
            ],
            artifacts: artifacts,
            missing: [.init(component: "script_languages", reason: "the repository could not be reached")],
            user: "ubuntu", jupyterPort: 49494)
    }

    /// A release on AWS that continues an earlier run, which had created the AMI.
    static func release() throws -> BuildReport {
        BuildReport(
            assetID: try AssetID("6.1.0"), provider: "aws",
            stages: Stage.allCases.map {
                let isDone = [.export, .cleanUp].contains($0)
                return .init(stage: $0, seconds: isDone ? 2410 : 0, outcome: isDone ? .done : .cached)
            },
            activities: [
                Activity("export vmdk", began: 0, ended: 2400), Activity("rename vmdk", began: 2400, ended: 2410),
                Activity("export vhd", began: 2400, ended: 4800), Activity("rename vhd", began: 4800, ended: 4810),
                Activity("removing the stack", began: 0, ended: 61),
            ],
            machineImage: MachineImage(
                id: "ami-0123456789abcdef0", name: "Exasol-Data-Science-Sandbox-6.1.0", region: "eu-central-1"),
            artifacts: [
                Artifact(
                    format: .vhd,
                    location: "https://d111111abcdef8.cloudfront.net/data_science_sandbox/6.1.0/lab-6.1.0.vhd",
                    bytes: 1_363_148_800, sha256: nil, crc64: "AAAAAAAAAAA=")
            ],
            user: "ubuntu", jupyterPort: 49494)
    }

    static func upToDate() throws -> BuildReport {
        BuildReport(
            assetID: try AssetID("6.1.0"), provider: "local", artifacts: artifacts, user: "ubuntu", jupyterPort: 49494)
    }

    static let assets = [
        Asset(
            .image, assetID: "6.1.0",
            id: "/var/lib/dss/bucket/data_science_sandbox/6.1.0/data-science-sandbox-6.1.0.vhd", bytes: 1_363_148_800,
            state: .ready),
        Asset(.process, assetID: "6.1.0", id: "4711", state: .inUse),
        Asset(.buildDirectory, assetID: "6.0 beta", id: "/var/lib/dss/build/6.0 beta", bytes: 512, state: .orphaned),
    ]

    /// One asset of each notable state on AWS.
    static let awsListing = {
        let bucket = AssetBucket(name: "images", prefix: "p", address: "https://d1.cloudfront.net", escaped: { $0 })
        func asset(
            _ kind: Asset.Kind, _ id: String, _ state: String, assetID: String = "6.1.0",
            region: String = "eu-central-1",
            _ change: (inout Asset) -> Void = { _ in }
        ) -> Asset {
            var asset = Asset(kind, in: region, assetID: assetID, id: id, state: state)
            change(&asset)
            return asset
        }
        let assets = [
            asset(.stack, "DATA-SCIENCE-SANDBOX-VM-Bucket", "CREATE_COMPLETE", assetID: "") { $0.isPermanent = true },
            asset(.ami, "ami-0123456789abcdef0", "available") { ($0.name, $0.isPublic) = ("sandbox 6.1.0", true) },
            asset(.snapshot, "snap-0123456789abcdef0", "completed") {
                ($0.bytes, $0.monthlyCost, $0.isOrphan, $0.parent) = (10 << 30, 0.54, true, "ami-1")
            },
            asset(.s3Object, "p/6.1.0/sandbox.vhd", "standard") {
                ($0.bytes, $0.monthlyCost, $0.bucket) = (1_363_148_800, 0.03, bucket)
            },
            asset(.s3Object, "p/6.1.0/docker-image.json", "old version, standard") {
                ($0.bucket, $0.version, $0.isSuperseded, $0.pullLine) = (bucket, "v1", true, "docker pull a/b:6.1.0")
            },
            asset(.instance, "i-0123456789abcdef0", "terminated", region: "us-east-1") {
                ($0.name, $0.isEnded, $0.parent) = ("m5.large", true, "EC2-6-1-0")
                $0.expires = Date(timeIntervalSince1970: 0)
            },
        ]
        return AssetListing(
            assets, on: .aws(prices: "2025-01"), now: Date(timeIntervalSince1970: 1), empty: "no assets")
    }()

    static let tools = [
        ToolStatus(
            name: "ansible-playbook", version: "core 2.14.18", package: "ansible-core",
            neededFor: "install: running the playbook on the machine over SSH"),
        ToolStatus(
            name: "qemu-img", version: nil, package: "qemu-utils", neededFor: "export: VHD, VMDK, QCOW2 and OVA"),
        ToolStatus(name: "qemu-io", version: nil, package: "qemu-utils", neededFor: "nothing but this test"),
    ]

    static let verification = VerificationReport(
        image: "/bucket/6.1.0/sandbox.vmdk", hardware: "vmware", accelerator: "kvm",
        checks: [
            CheckResult(name: "boots until sshd answers", outcome: .passed, seconds: 21.34),
            CheckResult(
                name: "JupyterLab answers /lab with 200", outcome: .failed, seconds: 60,
                message: "connection refused for one minute\nsee the console log in /tmp/console.log"),
            CheckResult(name: "clone is there", outcome: .skipped, seconds: 0, message: "the image goes without it"),
        ])

    static func tasks(_ name: String, _ index: Double) -> Progress {
        Progress(name, completed: index, total: 31, unit: .tasks)
    }

    static func task(_ index: Int, _ role: String, _ name: String, _ status: TaskResult.Status) -> TaskResult {
        TaskResult(index: index, count: 31, role: role, name: name, status: status, seconds: 2.5)
    }

    private static func artifact(_ format: ImageFormat, bytes: Int64) -> Artifact {
        Artifact(
            format: format,
            location: "/var/lib/dss/bucket/data_science_sandbox/6.1.0/data-science-sandbox-6.1.0.\(format.rawValue)",
            bytes: bytes, sha256: String(repeating: "0123456789abcdef", count: 4))
    }
}

extension AssetListing {
    func rendered(as format: OutputFormat, _ style: Style) -> String {
        var text = ""
        write(as: format, style) { text += $0 }
        return text
    }
}
