import AWSCore
import AWSServices
import Foundation

/// Operations that only tests need, to make what the project's own find there.
struct CreateBucket: RESTXMLOperation {
    static let service = S3.service
    static let retrySafety = RetrySafety<Self>.never
    var bucket: String
    var region: String

    func encode(into request: inout HTTPRequest) throws {
        request.method = .put
        request.path = "/\(bucket)"
        request.body = Array(
            "<CreateBucketConfiguration><LocationConstraint>\(region)</LocationConstraint></CreateBucketConfiguration>"
                .utf8)
    }

    func decode(_ response: HTTPResponse) throws -> NoOutput { NoOutput() }
}

struct CreateRole: QueryOperation {
    static let service = IAM.service
    static let retrySafety = RetrySafety<Self>.never
    var roleName: String
    var assumeRolePolicyDocument = #"{"Version":"2012-10-17","Statement":[]}"#
    typealias Output = NoOutput
}

struct CreateProject: JSONOperation {
    static let service = CodeBuild.service
    static let retrySafety = RetrySafety<Self>.never

    struct Source: Codable, Sendable {
        var type = "GITHUB"
        var location = "https://github.com/example/example"
    }
    struct Artifacts: Codable, Sendable { var type = "NO_ARTIFACTS" }
    struct Environment: Codable, Sendable {
        var type = "LINUX_CONTAINER"
        var image = "aws/codebuild/standard:7.0"
        var computeType = "BUILD_GENERAL1_SMALL"
    }

    var name: String
    var source = Source()
    var artifacts = Artifacts()
    var environment = Environment()
    var serviceRole = "arn:aws:iam::123456789012:role/service-role/build"
    typealias Output = NoOutput
}

struct CreateDistribution: RESTXMLOperation {
    static let service = CloudFront.service
    static let retrySafety = RetrySafety<Self>.never
    var reference: String

    struct Output: Codable, Sendable { var id: String }

    func encode(into request: inout HTTPRequest) throws {
        request.method = .post
        request.path = "/2020-05-31/distribution"
        request.add(header: "content-type", "application/xml")
        request.body = Array(
            """
            <DistributionConfig xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
            <CallerReference>\(reference)</CallerReference><Comment>test</Comment><Enabled>true</Enabled>
            <Origins><Quantity>1</Quantity><Items><Origin><Id>o</Id><DomainName>b.s3.amazonaws.com</DomainName>
            <S3OriginConfig><OriginAccessIdentity/></S3OriginConfig></Origin></Items></Origins>
            <DefaultCacheBehavior><TargetOriginId>o</TargetOriginId>
            <ViewerProtocolPolicy>redirect-to-https</ViewerProtocolPolicy><MinTTL>0</MinTTL>
            <ForwardedValues><QueryString>false</QueryString><Cookies><Forward>none</Forward></Cookies></ForwardedValues>
            <TrustedSigners><Enabled>false</Enabled><Quantity>0</Quantity></TrustedSigners></DefaultCacheBehavior>
            </DistributionConfig>
            """.utf8)
    }

    func decode(_ response: HTTPResponse) throws -> Output { try decodeDocument(root: "Distribution", response) }
}

extension AWSClient {
    /// Makes what may be there already.
    func ensure<O: AWSCore.Operation>(_ operation: O) async throws {
        do { _ = try await call(operation) } catch let error as AWSError where error.code.hasSuffix("AlreadyExists") {}
    }
}

extension MutatingOperation {
    static let vmImport = CreateRole(roleName: "vmimport")

    static let builds = [
        MutatingOperation("codebuild", "StartBuild") { client, name in
            _ = try await client.call(CreateProject(name: name))
            return Trial {
                _ = try await client.call(CodeBuild.StartBuild(projectName: name))
            } count: {
                try await client.all(CodeBuild.ListBuildsForProject(projectName: name)).count
            }
        },
        MutatingOperation("codebuild", "StopBuild") { client, name in
            _ = try await client.call(CreateProject(name: name))
            let build = try await client.call(CodeBuild.StartBuild(projectName: name)).build
            return Trial {
                _ = try await client.call(CodeBuild.StopBuild(id: build.id))
            } count: {
                let found = try await client.call(CodeBuild.BatchGetBuilds(ids: [build.id])).builds ?? []
                return found.first?.buildStatus == "STOPPED" ? 1 : 0
            }
        },
        MutatingOperation("cloudfront", "CreateInvalidation") { client, name in
            let distribution = try await client.call(CreateDistribution(reference: name)).id
            return Trial {
                _ = try await client.call(
                    CloudFront.CreateInvalidation(distributionId: distribution, paths: ["/index.html"]))
            } count: {
                try await client.call(ListInvalidations(distributionId: distribution))
            }
        },
    ]
}

struct ListInvalidations: RESTXMLOperation {
    static let service = CloudFront.service
    static let retrySafety = RetrySafety<Self>.harmless
    var distributionId: String

    struct List: Codable, Sendable { var quantity: Int }

    func encode(into request: inout HTTPRequest) throws {
        request.method = .get
        request.path = "/2020-05-31/distribution/\(distributionId)/invalidation"
    }

    func decode(_ response: HTTPResponse) throws -> Int {
        try decodeDocument(List.self, root: "InvalidationList", response).quantity
    }
}
