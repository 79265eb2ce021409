/// The result of a build, from which the final report is created on the terminal, in JSON and in Markdown.
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
    /// Long-running activities, including stages that consist of no other activity.
    package var activities: [Activity]
    /// The image that the provider starts machines from; `nil` if the provider has no such images.
    package var machineImage: MachineImage?
    package var artifacts: [Artifact]
    /// Components that are missing from the sandbox, with the reason.
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

/// An image that the provider can start machines from: an AMI.
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

/// A component that could not be installed in a build that is allowed to continue without it.
package struct MissingComponent: Sendable, Equatable, Codable {
    package var component: String
    package var reason: String

    package init(component: String, reason: String) {
        self.component = component
        self.reason = reason
    }
}

/// A long-running part of a build, possibly in parallel with others: an export, the removal of a stack.
package struct Activity: Sendable, Equatable, Codable {
    package var name: String
    /// Seconds since the build began.
    package var began: Double
    package var ended: Double

    package init(_ name: String, began: Double, ended: Double) {
        self.name = name
        self.began = began
        self.ended = ended
    }

    package var seconds: Double { ended - began }
}

extension [Activity] {
    /// The chain of activities that determined the duration of the build, in order. To make a build faster, shorten one
    /// of these.
    package var criticalPath: [Activity] {
        var path: [Activity] = []
        var moment = Double.infinity
        // The build waited for the activity that ended last before this moment; if several did, for the longest.
        while let last = filter({ $0.ended <= moment && $0.seconds >= 0.1 }).max(by: {
            ($0.ended, $0.seconds) < ($1.ended, $1.seconds)
        }) {
            path.insert(last, at: 0)
            moment = last.began
        }
        return path
    }

    /// The activities that are not part of the critical path and ran in parallel with it.
    package var besideCriticalPath: [Activity] {
        let path = criticalPath
        return filter { !path.contains($0) && $0.seconds >= 0.1 }
    }
}
