import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Sandbox

@testable import AWSProvider

/// An account in which a build could begin, and somebody who looks whether it can.
struct PreflightAccount: Sendable {
    let emulator: AWSEmulator
    let client: AWSClient
    let workspace: AWSWorkspace

    static func with(knobs: [String: Any] = [:], _ body: (PreflightAccount) async throws -> Void) async throws {
        let standard: [String: Any] = ["export_polls": 1000]
        try await AWSEmulator.with(knobs: standard.merging(knobs) { $1 }) { emulator in
            try await withHTTPTransport { transport in
                let client = emulator.client(transport, backoff: .quick)
                let workspace = AWSWorkspace(client, try AssetID("0.1.0"), names: .init())
                let account = PreflightAccount(emulator: emulator, client: client, workspace: workspace)
                try await client.deploy(PermanentStack.vmBucket.name, bucketTemplate)
                try await body(account)
            }
        }
    }

    private static let bucketTemplate = """
        Resources:
          Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: images}}
          Role:
            Type: AWS::IAM::Role
            Properties: {RoleName: exporter, AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: []}}
        Outputs:
          VMBucketId: {Value: !Ref Bucket}
          VMExportRoleId: {Value: !Ref Role}
          CfDistributionDomainName: {Value: d1.cloudfront.net}
        """

    /// What is found by a preflight for Debian 12, changed by the test.
    func found(
        _ definition: SandboxDefinition = SourceImageTests.bookworm, method: ExportMethod = .vmExport,
        formats: [ImageFormat] = [.vhd, .vmdk], _ change: (inout Preflight) -> Void = { _ in }
    ) async throws -> [PreflightFinding] {
        try await preflight(definition, method: method, formats: formats, change).findings()
    }

    func preflight(
        _ definition: SandboxDefinition = SourceImageTests.bookworm, method: ExportMethod = .vmExport,
        formats: [ImageFormat] = [.vhd, .vmdk], _ change: (inout Preflight) -> Void = { _ in }
    ) async throws -> Preflight {
        let source = try await workspace.sourceImage(definition, ami: nil)
        var preflight = Preflight(workspace, definition, source: source, method: method, formats: formats)
        change(&preflight)
        return preflight
    }

    /// Lets the next call of an operation be answered so.
    func answer(_ service: String, _ action: String, _ body: String, type: String = "text/xml") async throws {
        let fault: [String: Any] = [
            "kind": "raw", "service": service, "action": action, "type": type, "body": body, "times": NSNull(),
        ]
        try await emulator.control(["faults": [fault]])
    }

    func deny(_ actions: String...) async throws {
        try await emulator.control(["knobs": ["denied": actions]])
    }
}

extension [PreflightFinding] {
    var problems: [PreflightFinding] { filter { $0.weight == .problem } }
    var warnings: [PreflightFinding] { filter { $0.weight == .warning } }
    var notices: [PreflightFinding] { filter { $0.weight == .notice } }
}
