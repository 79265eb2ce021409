import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Workbench

/// What happens to a machine between its launch and its removal.
extension Machines {
    /// Remembers on AWS that it is sealed, so that a later run goes on from there.
    package func markSealed(_ machine: AWSMachine, missing: [MissingComponent]) async throws {
        let tags = [
            EC2.Tag(key: Tag.stage, value: Tag.sealed), EC2.Tag(key: Tag.missing, value: MissingTag.text(missing)),
        ]
        _ = try await site.client.call(EC2.CreateTags(resources: [machine.instanceID], tags: tags))
    }

    /// Stops it and waits until it stands still, so that its disk is whole and it never boots again before its image
    /// is taken.
    package func stop(_ machine: AWSMachine, events: @escaping EventSink) async throws {
        let id = machine.instanceID
        events(.progress(.capture, Progress("stopping machine \(id)")))
        try await activity("stopping the machine", events) {
            _ = try await site.client.call(EC2.StopInstances(instanceIds: [id]))
            try await site.client.wait(for: "the stop of machine \(id)", at: site.pace) {
                guard let instance = try await instance(id), instance.isThere else {
                    throw Failure(.failed, "machine \(id) in \(site.region) was removed while it was to be stopped")
                }
                return instance.state.name == "stopped" ? () : nil
            }
        }
    }

    /// Waits until it has ended by itself, or by somebody else.
    /// - Returns: why, in AWS's words.
    package func waitForEnd(of machine: AWSMachine) async throws -> String {
        let pace = Pace(first: .seconds(30), longest: .seconds(60), limit: .seconds(400 * 24 * 3600))
        return try await site.client.wait(for: "the end of machine \(machine.instanceID)", at: pace) {
            guard let instance = try await instance(machine.instanceID) else { return "AWS does not know it any more" }
            return instance.isThere ? nil : instance.reason
        }
    }

    /// What to say of one that is kept.
    package func hints(_ machine: AWSMachine) -> [String] {
        var hints: [String] = []
        if !machine.isSealed {
            hints.append("reach machine \(machine.instanceID) with: \(machine.endpoint.commandLine)")
        }
        let cost = machine.hourlyCost.map { "costs about \(Self.dollars($0)) $ an hour" } ?? "costs money every hour"
        let end = machine.expires.map { " and powers itself off at \($0.formatted(.iso8601))" } ?? ""
        return hints + ["it \(cost)\(end)", "remove it with: \(site.remedy)"]
    }

    /// Two digits that say something.
    package static func dollars(_ amount: Double) -> String {
        let cents = Int((amount * 1000).rounded())
        let fraction = "\(1000 + cents % 1000)".dropFirst()
        return "\(cents / 1000).\(fraction)"
    }
}
