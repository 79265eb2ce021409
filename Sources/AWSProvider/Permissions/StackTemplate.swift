/// A template that CloudFormation carries out with the permissions of whoever called it.
package enum StackTemplate: Sendable, CaseIterable {
    case vmBucket, vmBucketWAF, ciCodeBuild, releaseCodeBuild, buildMachine

    /// CloudFormation, in YAML.
    package var text: String {
        switch self {
        case .vmBucket: PermanentStack.vmBucket.template
        case .vmBucketWAF: PermanentStack.vmBucketWAF.template
        case .ciCodeBuild: PermanentStack.ciCodeBuild.template
        case .releaseCodeBuild: PermanentStack.releaseCodeBuild.template
        case .buildMachine: String(decoding: PackageResources.build_machine_yaml, as: UTF8.self)
        }
    }

    /// Such as `AWS::S3::Bucket`, each once.
    package var resourceTypes: [String] {
        // Types of parameters are below another heading, and indented the same.
        let resources = text.split(separator: "\n").drop { $0 != "Resources:" }.dropFirst()
        return Set(
            resources.prefix { $0.hasPrefix(" ") || $0.hasPrefix("#") }
                .compactMap { $0.wholeMatch(of: #/ {4}Type: (AWS::\w+::\w+)/#).map { String($0.1) } }
        ).sorted()
    }

    var permissions: [String] { resourceTypes.flatMap { ResourcePermissions.table[$0] ?? [] } }
}
