import AWSCore
import AWSServices

/// Stacks, and what keeps them from going.
extension Removal {
    /// Once more where what stays can be removed by itself.
    func delete(_ stack: AWSAsset, _ client: AWSClient) async throws {
        do { try await deleteOnce(stack, client) } catch let stays as StackStays {
            let machines = stays.parts.filter { $0.resourceType == "AWS::EC2::Instance" }
                .compactMap(\.physicalResourceId)
            guard !machines.isEmpty else { throw stays }
            for machine in machines {
                let part = AWSAsset(.instance, in: stack.region, assetID: stack.assetID, id: machine, state: "")
                do { try await terminate(part, client) } catch is AWSError { throw stays }
            }
            try await deleteOnce(stack, client)
        }
    }

    private func deleteOnce(_ stack: AWSAsset, _ client: AWSClient) async throws {
        _ = try await client.call(CloudFormation.DeleteStack(stackName: stack.id))
        try await client.wait(for: "the deletion of \(stack.id)", at: pace) {
            let found: CloudFormation.Stack?
            do {
                found = try await client.call(CloudFormation.DescribeStacks(stackName: stack.id)).stacks.first
            } catch let error as AWSError where error.code == "ValidationError" {
                return ()
            }
            switch found?.stackStatus {
            case nil, "DELETE_COMPLETE": return ()
            case "DELETE_FAILED":
                throw StackStays(parts: try await failedParts(of: stack, client), reason: found?.stackStatusReason)
            default: return nil
            }
        }
    }

    /// What did not go at the last attempt.
    private func failedParts(of stack: AWSAsset, _ client: AWSClient) async throws -> [CloudFormation.StackEvent] {
        var events: [CloudFormation.StackEvent] = []
        for try await event in client.items(of: CloudFormation.DescribeStackEvents(stackName: stack.id)) {
            events.append(event)
        }
        return StackTrouble.lastChange(in: events).filter {
            $0.resourceStatus == "DELETE_FAILED" && !$0.isOfTheStack && !$0.isFollower
        }
    }
}

/// A stack could not be deleted.
private struct StackStays: Error, CustomStringConvertible {
    var parts: [CloudFormation.StackEvent]
    var reason: String?

    /// The parts that did not go, with AWS's words.
    var description: String {
        let lines = parts.map {
            "\($0.resourceType ?? "") \($0.physicalResourceId ?? $0.logicalResourceId ?? ""): "
                + ($0.resourceStatusReason ?? "AWS gives no reason")
        }
        let reasons = lines.isEmpty ? reason.map { [$0] } ?? [] : lines
        return "the stack is DELETE_FAILED" + (reasons.isEmpty ? "" : ": " + reasons.joined(separator: "; "))
    }
}
