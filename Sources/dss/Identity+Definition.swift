import AWSIdentity
import Sandbox

extension Identity {
    /// The same caller, in the region that the definition names where nobody else names one.
    func orRegion(of aws: SandboxDefinition.AWS) -> Identity {
        var identity = self
        identity.region = region ?? aws.regions.first.map { Setting($0, origin: "the definition") }
        return identity
    }
}
