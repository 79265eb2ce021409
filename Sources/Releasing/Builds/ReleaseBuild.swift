import AWSServices
import Sandbox

/// One build of a release, as CodeBuild is to be asked for it.
package struct ReleaseBuild: Sendable, Equatable {
    /// What `buildspec_release.yaml` reads; `dss` itself reads the password and whatever else sets the definition.
    package enum Variable {
        package static let assetID = "DSS_ASSET_ID"
        package static let releaseID = "DSS_RELEASE_ID"
        package static let password = "DSS_DEFAULT_PASSWORD"
        package static let publicity = "DSS_RELEASE_PUBLICITY"
        package static let variant = "DSS_BUILD_VARIANT"
    }

    /// How much of it others get to see.
    package enum Publicity: String, Sendable {
        case full
        /// All but the AMIs.
        case withPrivateImages = "private-images"
        /// Nothing but a draft.
        case rehearsal
    }

    /// `nil` where the definition is built as it is.
    package var variant: String?
    /// Tells it from others that are built with it.
    package var label: String?
    package var assetID: AssetID
    package var releaseID: Int
    /// A branch, tag or commit.
    package var branch: String
    /// Name or ARN of the secret that has the default password: the password itself is in no call.
    package var passwordSecret: String
    package var publicity: Publicity
    /// Environment variables that set keys of the definition.
    package var settings: [String: String]

    package init(
        variant: String? = nil, label: String? = nil, assetID: AssetID, releaseID: Int, branch: String,
        passwordSecret: String,
        publicity: Publicity, settings: [String: String] = [:]
    ) {
        self.variant = variant
        self.label = label
        self.assetID = assetID
        self.releaseID = releaseID
        self.branch = branch
        self.passwordSecret = passwordSecret
        self.publicity = publicity
        self.settings = settings
    }

    func request(project: String) -> CodeBuild.StartBuild {
        let own: [CodeBuild.EnvironmentVariable] = [
            .init(name: Variable.assetID, value: assetID.rawValue, type: "PLAINTEXT"),
            .init(name: Variable.releaseID, value: "\(releaseID)", type: "PLAINTEXT"),
            .init(name: Variable.password, value: passwordSecret, type: "SECRETS_MANAGER"),
            .init(name: Variable.publicity, value: publicity.rawValue, type: "PLAINTEXT"),
        ]
        let variant = self.variant.map {
            [CodeBuild.EnvironmentVariable(name: Variable.variant, value: $0, type: "PLAINTEXT")]
        }
        let more = settings.sorted { $0.key < $1.key }
            .map { CodeBuild.EnvironmentVariable(name: $0.key, value: $0.value, type: "PLAINTEXT") }
        return CodeBuild.StartBuild(
            projectName: project, sourceVersion: branch, environmentVariablesOverride: own + (variant ?? []) + more)
    }
}

/// A build that CodeBuild has taken on.
package struct StartedBuild: Sendable, Equatable {
    package var build: ReleaseBuild
    package var id: String
    package var region: String

    /// What ends it by hand.
    package var stopLine: String { "aws codebuild stop-build --region \(region) --id \(id)" }
}
