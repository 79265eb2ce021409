import Foundation
import Testing

@testable import AWSProvider

@Suite("Templates of the permanent stacks")
struct TemplateTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/AWSProvider/Templates")

    @Test(
        "the program holds the files as they are",
        arguments: [
            (PermanentStack.vmBucket, "vm-bucket"), (.vmBucketWAF, "vm-bucket-waf"), (.ciCodeBuild, "ci-codebuild"),
            (.releaseCodeBuild, "release-codebuild"),
        ])
    func embedded(_ stack: PermanentStack, _ file: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: "\(file).yaml"), encoding: .utf8)
        #expect(stack.template == text)
        #expect(text.utf8.count <= 51_200, "AWS takes no larger template in a call")
    }

    @Test("names of parameters and outputs are those of the template", arguments: PermanentStack.allCases)
    func names(_ stack: PermanentStack) {
        #expect(Self.keys(of: "Parameters", in: stack.template) == stack.parameterNames)
        let outputs =
            switch stack {
            case .vmBucket: ["VMBucketId", "VMExportRoleId", "CfDistributionId", "CfDistributionDomainName"]
            case .vmBucketWAF: ["VMDownloadACLArn"]
            case .ciCodeBuild: ["CodeBuildProject"]
            case .releaseCodeBuild: ["CodeBuildProject", "DefaultPasswordSecretArn"]
            }
        #expect(Self.keys(of: "Outputs", in: stack.template) == outputs)
    }

    /// The names at the first level below a section.
    static func keys(of section: String, in template: String) -> [String] {
        let lines = template.split(separator: "\n").drop { $0 != "\(section):" }.dropFirst()
        return lines.prefix { $0.hasPrefix(" ") }.compactMap { line in
            line.wholeMatch(of: #/  (\w+):/#).map { String($0.1) }
        }
    }
}
