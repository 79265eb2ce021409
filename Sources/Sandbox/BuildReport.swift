/// What a build came to: the value behind the final report on the terminal, in JSON and in Markdown.
package struct BuildReport: Sendable, Equatable, Codable {
    package struct StageTime: Sendable, Equatable, Codable {
        package var stage: Stage
        package var seconds: Double
        package var outcome: StageOutcome

        package init(stage: Stage, seconds: Double, outcome: StageOutcome) {
            self.stage = stage
            self.seconds = seconds
            self.outcome = outcome
        }
    }

    package var assetID: AssetID
    package var provider: String
    package var stages: [StageTime]
    package var artifacts: [Artifact]
    /// Components that the sandbox should have and has not, with the reason.
    package var missing: [MissingComponent]
    package var user: String
    package var jupyterPort: Int

    package init(
        assetID: AssetID, provider: String, stages: [StageTime] = [], artifacts: [Artifact] = [],
        missing: [MissingComponent] = [], user: String, jupyterPort: Int
    ) {
        self.assetID = assetID
        self.provider = provider
        self.stages = stages
        self.artifacts = artifacts
        self.missing = missing
        self.user = user
        self.jupyterPort = jupyterPort
    }
}

/// A component that could not be installed in a build that may go on without it.
package struct MissingComponent: Sendable, Equatable, Codable {
    package var component: String
    package var reason: String

    package init(component: String, reason: String) {
        self.component = component
        self.reason = reason
    }
}
