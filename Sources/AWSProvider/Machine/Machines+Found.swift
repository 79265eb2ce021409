import AWSServices
import Sandbox
import Workbench

/// The machine of a stack that is there, for a command that makes none and must not remove it when it fails.
extension Machines {
    /// - Throws: `Failure` where there is none, where it does not run, or where its keys are not here.
    package func found(undo: Undo, events: @escaping EventSink) async throws -> AWSMachine {
        let claim = try claim()
        await undo.register("the lock of \(site.assetID)", remedy: site.remedy) { claim.giveBack() }
        guard let stack = try await leftStack(events), StackState.isSuccess(stack.stackStatus),
            let id = stack.outputValues[MachineStack.Name.instanceID], let instance = try await instance(id),
            instance.isThere
        else {
            throw Failure(
                .badData, "there is no machine of asset id \(site.assetID) in \(site.region)",
                advice: "dss setup-ec2-and-install-dependencies --asset-id '\(site.assetID)' --keep")
        }
        let machine = machine(instance, of: stack)
        if !machine.isSealed { try await check(machine, of: stack) }
        return machine
    }

    /// A machine that is there, as far as AWS and its launch tell of it.
    func machine(_ instance: EC2.Instance, of stack: CloudFormation.Stack) -> AWSMachine {
        AWSMachine(
            endpoint: directory.endpoint ?? SSHEndpoint(configFile: directory.sshConfig, alias: alias),
            instanceID: instance.instanceId, address: instance.address ?? "", expires: stack.expires,
            hourlyCost: hourlyCost(stack.parameterValues), isSealed: instance.tag(Tag.stage) == Tag.sealed,
            missing: instance.tag(Tag.missing).map(MissingTag.components) ?? [])
    }

    private func check(_ machine: AWSMachine, of stack: CloudFormation.Stack) async throws {
        guard directory.record == .init(stackID: stack.stackId ?? "", instanceID: machine.instanceID),
            fileExists(directory.sshConfig)
        else {
            throw Failure(
                .badData, "the keys of machine \(machine.instanceID) are not in \(directory.path)",
                advice: "run it where the machine was started, or with its DSS_STATE")
        }
        let answer = try await runner.execute(
            .ssh(config: machine.endpoint.configFile, alias: machine.endpoint.alias, script: "true"))
        try Task.checkCancellation()
        guard answer.status.isSuccess else {
            throw Failure(
                .unavailable, "machine \(machine.instanceID) does not let one in: \(answer.standardError.trimmedLine)",
                advice: "try it with: \(machine.endpoint.commandLine)")
        }
    }
}
