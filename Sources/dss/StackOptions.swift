import AWSProvider
import ArgumentParser
import Sandbox

/// How a permanent stack is deployed, whichever it is.
struct StackOptions: ParsableArguments {
    @Flag(help: "Prints the CloudFormation template and calls nobody.")
    var printTemplate = false

    @Flag(help: "Only shows what would change.")
    var plan = false

    @Flag(help: "Does not ask.")
    var yes = false

    @Flag(help: "Prints JSON.")
    var json = false

    @OptionGroup var aws: AWSOptions

    func validate() throws {
        if plan, yes { throw ValidationError("--plan changes nothing, --yes changes without asking: choose one.") }
    }
}
