import AWSProvider
import ArgumentParser
import Testing

@testable import dss

@Suite("dss --help")
struct HelpTests {
    @Test(
        "every command teaches by examples, which fit a terminal of 80 columns", arguments: Self.commands(of: Dss.self))
    func examples(of command: any ParsableCommand.Type) throws {
        let help = Dss.helpMessage(for: command, columns: 80)
        let start = try #require(help.firstMatch(of: /Examples?:\n/), "\(help)").range.upperBound
        let examples = help[start...].split(separator: "\n\n")[0].split(separator: "\n")
        // A line that the terminal had to wrap begins at its edge.
        for line in examples { #expect(line.hasPrefix("  ") && line.count <= 80, "\(line)") }
    }

    @Test("every command is run by Main, in its world", arguments: Self.commands(of: Dss.self))
    func runs(_ command: any ParsableCommand.Type) {
        #expect(command is any DssCommand.Type)
    }

    @Test("every command with AWS options has an IAM policy, and no other command has one")
    func policies() {
        let callers = Self.commands(of: Dss.self).filter {
            Dss.helpMessage(for: $0, columns: 80).contains("--aws-profile")
        }
        let names = callers.compactMap { $0.configuration.commandName }
        #expect(Set(names) == Set(CommandOperations.table.map(\.command)) && names.count == callers.count)
    }

    @Test("the options of a command are above those for AWS only, and the help stays whole")
    func optionsFirst() async throws {
        let help = await PretendWorld().dss("create-vm", "--help").output
        let (own, aws) = (
            try #require(help.firstRange(of: "\nOPTIONS:")), try #require(help.firstRange(of: "\nAWS OPTIONS:"))
        )
        #expect(own.lowerBound < aws.lowerBound)
        do { _ = try Dss.parseAsRoot(["create-vm", "--help"]) } catch {
            let original = Dss.fullMessage(for: error)
            #expect(help.split(separator: "\n").sorted() == original.split(separator: "\n").sorted())
        }
    }

    /// The commands that do something, whatever group they are in.
    private static func commands(of command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        let parts = command.configuration.subcommands
        return parts.isEmpty ? [command] : parts.flatMap(commands)
    }
}
