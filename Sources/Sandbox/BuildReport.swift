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
    /// What took its time, stages that do nothing else included.
    package var activities: [Activity]
    /// The image from which machines of the provider start, where it has such.
    package var machineImage: MachineImage?
    package var artifacts: [Artifact]
    /// Components that the sandbox should have and has not, with the reason.
    package var missing: [MissingComponent]
    package var user: String
    package var jupyterPort: Int

    package init(
        assetID: AssetID, provider: String, stages: [StageTime] = [], activities: [Activity] = [],
        machineImage: MachineImage? = nil, artifacts: [Artifact] = [],
        missing: [MissingComponent] = [], user: String, jupyterPort: Int
    ) {
        self.assetID = assetID
        self.provider = provider
        self.stages = stages
        self.activities = activities
        self.machineImage = machineImage
        self.artifacts = artifacts
        self.missing = missing
        self.user = user
        self.jupyterPort = jupyterPort
    }
}

/// An image that the provider itself starts machines from: an AMI.
package struct MachineImage: Sendable, Equatable, Codable {
    package var id: String
    package var name: String
    package var region: String

    package init(id: String, name: String, region: String) {
        self.id = id
        self.name = name
        self.region = region
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
