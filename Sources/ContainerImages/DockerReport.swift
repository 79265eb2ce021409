import Sandbox

/// What a build of a Docker image came to.
package struct DockerReport: Sendable {
    package var record: DockerRecord
    /// The folder of the OCI image layout.
    package var layout: String
    package var stages: [BuildReport.StageTime]
    package var activities: [Activity]

    init(
        record: DockerRecord, layout: String, stages: [BuildReport.StageTime] = [], activities: [Activity] = []
    ) {
        self.record = record
        self.layout = layout
        self.stages = stages
        self.activities = activities
    }

    /// Whether everything was there already.
    package var isUnchanged: Bool { stages.isEmpty }
}
