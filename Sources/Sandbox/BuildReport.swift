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

/// Something within a build that takes its time, perhaps beside others: an export, the removal of a stack.
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
    /// The chain of activities that the end of the build waited for, in order: whoever wants a faster build starts here.
    package var criticalPath: [Activity] {
        var path: [Activity] = []
        var moment = Double.infinity
        // Of those that ended before, the one that ended last was waited for; of two, the longer.
        while let last = filter({ $0.ended <= moment && $0.seconds >= 0.1 }).max(by: {
            ($0.ended, $0.seconds) < ($1.ended, $1.seconds)
        }) {
            path.insert(last, at: 0)
            moment = last.began
        }
        return path
    }

    /// What went on at the same time as something of the critical path.
    package var besideCriticalPath: [Activity] {
        let path = criticalPath
        return filter { !path.contains($0) && $0.seconds >= 0.1 }
    }
}
