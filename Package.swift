// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A room of the house: a target that may know only the rooms and libraries named here
/// (the test `HouseRulesTests` compares the import lines with the table in docs/design.md).
func room(
    _ name: String, in folder: String? = nil, knows: [Target.Dependency], embeds: [String] = [], hasReadme: Bool = false
) -> Target {
    .target(
        name: name, dependencies: knows, path: folder.map { "Sources/\($0)/\(name)" },
        exclude: hasReadme ? ["README.md"] : [], resources: embeds.map { .embedInCode($0) }, swiftSettings: strict)
}

func tests(of name: String, with extra: [Target.Dependency] = [], excluding: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.init(stringLiteral: name)] + extra, exclude: excluding,
        swiftSettings: strict)
}

let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let http: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "dss",
    products: [.executable(name: "dss", targets: ["dss"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        room("Sandbox", knows: [], embeds: ["Resources/START.md"]),
        .systemLibrary(name: "COpenSSL", path: "SystemLibraries/COpenSSL", providers: [.apt(["libssl-dev"])]),
        room("Digests", knows: ["COpenSSL"]),
        room("Workbench", knows: ["Digests", subprocess, system, signals]),
        room("Definition", knows: ["Sandbox", yams]),
        room(
            "Provisioning", knows: ["Sandbox", "Workbench"],
            embeds: [
                "Resources/check_playbook.py", "Resources/dss_check.py", "Resources/dss_events.py",
                "Resources/dss_reads.py", "Resources/dss_step.py", "Resources/reset-password.sh", "Resources/seal.sh",
            ]),
        room(
            "Verification", knows: ["Sandbox", "Workbench"],
            embeds: ["Resources/checks.py", "Resources/kernel.py", "Resources/snippets.py"]),
        .systemLibrary(name: "CDeflate", path: "SystemLibraries/CDeflate", providers: [.apt(["libdeflate-dev"])]),
        room("DiskImages", knows: ["Sandbox", "Workbench", "CDeflate"]),
        room(
            "LocalProvider", knows: ["Sandbox", "Workbench", "DiskImages", "Provisioning", "Verification"],
            embeds: [
                "Resources/base-extract.sh", "Resources/base-early.sh", "Resources/base-finish.sh",
                "Resources/excludes.cfg", "Resources/grub.cfg", "Resources/grub.default", "Resources/layer.sh",
            ], hasReadme: true),
        room("Reporting", knows: ["Sandbox"]),
        .systemLibrary(name: "CExpat", path: "SystemLibraries/CExpat", providers: [.apt(["libexpat1-dev"])]),
        room("AWSCore", in: "AWS", knows: ["Digests", "CExpat"]),
        room("AWSServices", in: "AWS", knows: ["Digests", "AWSCore"]),
        room("AWSIdentity", in: "AWS", knows: ["Digests", "AWSCore", "AWSServices"]),
        room("HTTPTransport", in: "AWS", knows: ["AWSCore", http] + nio),
        room(
            "AWSProvider", knows: ["Sandbox", "Workbench", "DiskImages", "AWSCore", "AWSServices"],
            embeds: [
                "Resources/prices.csv", "Templates/build-machine.yaml", "Templates/ci-codebuild.yaml",
                "Templates/release-codebuild.yaml", "Templates/vm-bucket.yaml", "Templates/vm-bucket-waf.yaml",
            ], hasReadme: true),
        room(
            "Releasing", knows: ["Sandbox", "Workbench", "Reporting", "AWSCore", "AWSServices", mustache],
            embeds: ["Resources/index.mustache"]),
        .executableTarget(
            name: "dss",
            dependencies: [
                "Sandbox", "Definition", "Workbench", "Provisioning", "Verification", "DiskImages",
                "LocalProvider", "Reporting", "AWSCore", "AWSServices", "AWSIdentity", "AWSProvider", "HTTPTransport",
                "Releasing", arguments,
            ],
            exclude: ["README.md"], swiftSettings: strict),
        .executableTarget(
            name: "dss-bench", dependencies: ["AWSCore", "AWSServices", "HTTPTransport", http] + nio,
            path: "Benchmarks",
            swiftSettings: strict),
        tests(
            of: "dss",
            with: [
                "Sandbox", "Workbench", "LocalProvider", "Reporting", "AWSCore", "AWSServices", "AWSIdentity",
                "AWSProvider", "HTTPTransport", "AWSTestSupport", arguments,
            ]),
        tests(of: "Sandbox"),
        .testTarget(name: "HouseRulesTests", swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "dss", "Sandbox", "Workbench", "Definition", "Provisioning", "Verification", "DiskImages",
                "LocalProvider", "AWSCore", "AWSServices", "HTTPTransport", "AWSTestSupport", "RegistryTestSupport",
                "TestSupport",
            ],
            swiftSettings: strict),
        tests(of: "Digests"),
        tests(of: "Workbench"),
        tests(of: "DiskImages", with: ["Sandbox", "Workbench"]),
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .target(
            name: "GuestTestSupport", dependencies: ["Sandbox", "Workbench"], path: "Tests/GuestTestSupport",
            swiftSettings: strict),
        tests(of: "Verification", with: ["Sandbox", "Workbench", "GuestTestSupport"]),
        tests(of: "Provisioning", with: ["Sandbox", "Workbench"]),
        tests(
            of: "LocalProvider",
            with: ["Sandbox", "Workbench", "DiskImages", "Provisioning", "GuestTestSupport", "RegistryTestSupport"]),
        .target(
            name: "RegistryTestSupport", dependencies: ["Workbench"], path: "Tests/RegistryTestSupport",
            exclude: ["registry_front.py"], swiftSettings: strict),
        tests(of: "Definition", with: ["Sandbox"]),
        tests(of: "Reporting", with: ["Sandbox"], excluding: ["Golden"]),
        .target(
            name: "AWSTestSupport", dependencies: ["AWSCore", "AWSServices", "HTTPTransport", "Workbench"],
            path: "Tests/AWSTestSupport",
            swiftSettings: strict),
        tests(
            of: "AWSCore", with: ["AWSServices", "HTTPTransport", "AWSTestSupport", "TestSupport"],
            excluding: ["Vectors"]),
        tests(of: "AWSServices", with: ["Digests", "AWSCore", "AWSTestSupport"]),
        .testTarget(
            name: "AWSIntegrationTests",
            dependencies: ["AWSCore", "AWSServices", "HTTPTransport", "AWSTestSupport", "TestSupport"],
            swiftSettings: strict),
        tests(of: "AWSIdentity", with: ["AWSCore", "AWSServices", "AWSTestSupport", "TestSupport", "Workbench"]),
        tests(
            of: "AWSProvider",
            with: [
                "Sandbox", "Workbench", "DiskImages", "Reporting", "AWSCore", "AWSServices", "AWSTestSupport",
                "GuestTestSupport", "TestSupport", "dss",
            ]),
        tests(
            of: "Releasing",
            with: [
                "Sandbox", "Workbench", "Reporting", "AWSCore", "AWSServices", "HTTPTransport", "AWSTestSupport",
                "TestSupport",
                "dss",
            ]),
    ]
)
