import AWSCore
import AWSServices
import AWSTestSupport
import Foundation

/// How the assets of a build come about.
extension AssetsAccount {
    static let bucket = "images"

    func deployPermanentStacks() async throws {
        try await client.deploy(
            "DATA-SCIENCE-SANDBOX-VM-Bucket",
            """
            Resources:
              Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: \(Self.bucket)}}
            Outputs:
              VMBucketId: {Value: !Ref Bucket}
              CfDistributionDomainName: {Value: d1.cloudfront.net}
            """)
        try await client.deploy(
            "DATA-SCIENCE-SANDBOX-RELEASE",
            """
            Resources:
              Project:
                Type: AWS::CodeBuild::Project
                Properties:
                  Name: release
                  ServiceRole: arn:aws:iam::123456789012:role/service-role/build
                  Source: {Type: GITHUB, Location: https://github.com/example/example}
                  Artifacts: {Type: NO_ARTIFACTS}
                  Environment: {Type: LINUX_CONTAINER, Image: x, ComputeType: BUILD_GENERAL1_SMALL}
            """)
        _ = try await client.call(CreateRole(roleName: "vmimport"))
    }

    func setVersioning(_ status: String) async throws {
        _ = try await client.call(PutBucketVersioning(status: status))
    }

    private struct PutBucketVersioning: RESTXMLOperation {
        static let service = S3.service
        static let retrySafety = RetrySafety<Self>.never
        var status: String
        typealias Output = NoOutput

        func encode(into request: inout HTTPRequest) throws {
            request.method = .put
            request.path = "/\(AssetsAccount.bucket)"
            request.add(query: "versioning", "")
            request.body = Array(
                "<VersioningConfiguration><Status>\(status)</Status></VersioningConfiguration>".utf8)
        }

        func decode(_ response: HTTPResponse) throws -> NoOutput { NoOutput() }
    }

    private struct CreateRole: QueryOperation {
        static let service = IAM.service
        static let retrySafety = RetrySafety<Self>.never
        var roleName: String
        var assumeRolePolicyDocument = #"{"Version":"2012-10-17","Statement":[]}"#
        typealias Output = NoOutput
    }

    /// One of everything.
    func build(_ id: String) async throws {
        let ami = try await image(id)
        try await machine(id, ami)
        _ = try await client.importKey(stackName(id), tags: [tags("key-pair", id)])
        try await put("data_science_sandbox/\(id)/sandbox.vmdk")
        _ = try await client.call(
            EC2.ExportImage(
                imageId: ami, diskImageFormat: "VHD",
                s3ExportLocation: .init(s3Bucket: Self.bucket, s3Prefix: "data_science_sandbox/\(id)/"),
                tagSpecifications: [tags("export-image-task", id)]))
        let key = "data_science_sandbox/\(id)/big.vhd"
        let upload = try await client.call(S3.CreateMultipartUpload(bucket: Self.bucket, key: key)).uploadId
        _ = try await client.call(
            S3.UploadPart(
                bucket: Self.bucket, key: key, uploadId: upload, partNumber: 1,
                body: [UInt8](repeating: 1, count: 5 << 20)))
        _ = try await snapshot(id, "Created by CreateImage(i-1) for ami-0123456789abcdef0")
        _ = try await client.call(
            CodeBuild.StartBuild(
                projectName: "release", environmentVariablesOverride: [.init(name: "ASSET_ID", value: id)]))
    }

    /// What `build` makes, by type; a machine stands as itself and as a part of its stack.
    static let everything = [
        "stack": 1, "resource": 1, "instance": 1, "ami": 1, "snapshot": 2, "export-task": 1, "key-pair": 1,
        "s3-object": 1, "upload": 1, "build": 1,
    ]

    func stackName(_ id: String) -> String { "EC2-DATA-SCIENCE-SANDBOX-" + id.replacing(".", with: "-") }

    func machine(
        _ id: String, _ ami: String, expires: String? = nil, until status: String = "CREATE_COMPLETE"
    ) async throws {
        try await client.deploy(
            stackName(id),
            """
            Resources:
              Machine: {Type: AWS::EC2::Instance, Properties: {ImageId: \(ami), InstanceType: t3.medium}}
            """,
            tags: [.init(key: "exa_dss_id", value: id)] + (expires.map { [.init(key: "expires-at", value: $0)] } ?? []),
            until: status)
    }

    func image(_ id: String, _ name: String? = nil, of snapshot: String? = nil) async throws -> String {
        let disk = if let snapshot { snapshot } else { try await self.snapshot(id) }
        return try await client.makeImage(
            name ?? "Exasol-Data-Science-Sandbox-\(id)", of: disk, tags: [tags("image", id)])
    }

    func snapshot(_ id: String, _ description: String? = nil) async throws -> String {
        try await client.makeSnapshot(description, tags: [.init(key: "exa_dss_id", value: id)])
    }

    func put(_ key: String) async throws {
        _ = try await client.call(S3.PutObject(bucket: Self.bucket, key: key, body: Array("bytes".utf8)))
    }

    private func tags(_ type: String, _ id: String) -> EC2.TagSpecification {
        .init(resourceType: type, tags: [.init(key: "exa_dss_id", value: id)])
    }
}
