import AWSCore
import AWSServices
import AWSTestSupport
import Foundation

extension MutatingOperation {
    static let template = """
        AWSTemplateFormatVersion: '2010-09-09'
        Parameters: {Image: {Type: String}}
        Resources:
          Machine:
            Type: AWS::EC2::Instance
            Properties: {ImageId: !Ref Image, InstanceType: t3.medium}
        Outputs: {Machine: {Value: !Ref Machine}}
        """

    /// A stack without anything that costs.
    static let plainTemplate = """
        AWSTemplateFormatVersion: '2010-09-09'
        Resources:
          Queue: {Type: AWS::SQS::Queue}
        """

    static func stack(
        _ client: AWSClient, _ name: String, _ template: String, _ parameters: [CloudFormation.Parameter] = []
    ) async throws -> CloudFormation.Stack {
        _ = try await client.call(
            CloudFormation.CreateChangeSet(
                stackName: name, changeSetName: "\(name)-set", changeSetType: "CREATE", templateBody: template,
                parameters: parameters))
        _ = try await client.call(CloudFormation.ExecuteChangeSet(changeSetName: "\(name)-set", stackName: name))
        return try await client.wait(for: "the stack", at: .quick) {
            let stack = try await client.call(CloudFormation.DescribeStacks(stackName: name)).stacks.first
            return stack?.stackStatus.hasSuffix("_COMPLETE") == true ? stack : nil
        }
    }

    static func machine(_ client: AWSClient, _ name: String) async throws -> String {
        let image = try await client.makeImage("\(name)-base")
        let stack = try await stack(
            client, name, template, [.init(parameterKey: "Image", parameterValue: image)])
        return stack.outputs[0].outputValue!
    }

    private static func state(_ client: AWSClient, _ instance: String) async throws -> String? {
        try await client.all(EC2.DescribeInstances(instanceIds: [instance])).first?.state.name
    }

    static let machines = [
        MutatingOperation("ec2", "StopInstances") { client, name in
            let instance = try await machine(client, name)
            return Trial {
                _ = try await client.call(EC2.StopInstances(instanceIds: [instance]))
            } count: {
                try await state(client, instance) == "running" ? 0 : 1
            }
        },
        MutatingOperation("ec2", "TerminateInstances") { client, name in
            let instance = try await machine(client, name)
            return Trial {
                _ = try await client.call(EC2.TerminateInstances(instanceIds: [instance]))
            } count: {
                try await state(client, instance) == "running" ? 0 : 1
            }
        },
    ]

    static let cloudFormation = [
        MutatingOperation("cloudformation", "CreateChangeSet") { client, name in
            Trial {
                _ = try await client.call(
                    CloudFormation.CreateChangeSet(
                        stackName: name, changeSetName: "set", changeSetType: "CREATE", templateBody: plainTemplate))
            } count: {
                let describe = CloudFormation.DescribeChangeSet(changeSetName: "set", stackName: name)
                return try await client.isMissing(describe) ? 0 : 1
            }
        },
        MutatingOperation("cloudformation", "ExecuteChangeSet") { client, name in
            _ = try await client.call(
                CloudFormation.CreateChangeSet(
                    stackName: name, changeSetName: "set", changeSetType: "CREATE", templateBody: plainTemplate))
            return Trial {
                _ = try await client.call(CloudFormation.ExecuteChangeSet(changeSetName: "set", stackName: name))
            } count: {
                let stack = try await client.call(CloudFormation.DescribeStacks(stackName: name)).stacks.first
                return stack?.stackStatus == "REVIEW_IN_PROGRESS" ? 0 : 1
            }
        },
        MutatingOperation("cloudformation", "DeleteChangeSet") { client, name in
            _ = try await client.call(
                CloudFormation.CreateChangeSet(
                    stackName: name, changeSetName: "set", changeSetType: "CREATE", templateBody: plainTemplate))
            return Trial {
                _ = try await client.call(CloudFormation.DeleteChangeSet(changeSetName: "set", stackName: name))
            } count: {
                let describe = CloudFormation.DescribeChangeSet(changeSetName: "set", stackName: name)
                return try await client.isMissing(describe) ? 1 : 0
            }
        },
        MutatingOperation("cloudformation", "DeleteStack") { client, name in
            _ = try await stack(client, name, plainTemplate)
            return Trial {
                _ = try await client.call(CloudFormation.DeleteStack(stackName: name))
            } count: {
                do {
                    let stack = try await client.call(CloudFormation.DescribeStacks(stackName: name)).stacks.first
                    return stack?.stackStatus.hasPrefix("DELETE") == true ? 1 : 0
                } catch let error as AWSError where error.code == "ValidationError" { return 1 }
            }
        },
        MutatingOperation("cloudformation", "UpdateTerminationProtection") { client, name in
            _ = try await stack(client, name, plainTemplate)
            return Trial {
                _ = try await client.call(
                    CloudFormation.UpdateTerminationProtection(stackName: name, enableTerminationProtection: true))
            } count: {
                let stack = try await client.call(CloudFormation.DescribeStacks(stackName: name)).stacks.first
                return stack?.enableTerminationProtection == true ? 1 : 0
            }
        },
    ]
}

extension PollingPolicy {
    static let quick = PollingPolicy(first: .milliseconds(5), longest: .milliseconds(20), limit: .seconds(30))
}
