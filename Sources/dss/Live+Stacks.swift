import AWSCore
import AWSIdentity
import AWSProvider
import Sandbox

extension Live {
    /// Deploys one of the permanent stacks as it was ordered.
    /// - Parameter parameters: made with the stacks of the region of the web ACL.
    func deploy(
        _ stack: PermanentStack, _ options: StackOptions, parameters: (Stacks) async throws -> [String: String]
    ) async throws {
        if options.printTemplate { return Terminal.standardOutput.write(stack.template) }
        let desk = StackDesk(options)
        var aws = options.aws
        if let region = stack.region {
            guard [nil, region].contains(aws.region) else {
                throw Failure(.usage, "this stack can be in \(region) alone", advice: "leave out --region")
            }
            aws.region = region
        }
        try await withAWS(aws) { identity in
            let client = try identity.client()
            let firewall = client.region(PermanentStack.vmBucketWAF.region ?? client.region)
            let order = stack.order(try await parameters(Stacks(firewall, desk.talk)))
            desk.show(try await Stacks(client, desk.talk).deploy(order))
        }
    }
}
