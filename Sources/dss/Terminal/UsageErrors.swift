import ArgumentParser
import Definition
import Reporting
import Sandbox

/// Mistakes in the command line, worded like every other error.
extension Dss {
    /// The failure for a command that does not exist. ArgumentParser would call it an unexpected argument.
    static func unknownCommand(in arguments: [String]) -> Failure? {
        var group: any ParsableCommand.Type = Dss.self
        var path: [String] = []
        // ArgumentParser's own command 'help' takes the names of commands.
        for word in arguments.drop(while: { $0 == "help" }) {
            let commands = group.configuration.subcommands
            guard !commands.isEmpty, !word.hasPrefix("-") else { return nil }
            guard let command = commands.first(where: { $0._commandName == word }) else {
                let name = { (last: String) in (path + [last]).joined(separator: " ") }
                let near = DidYouMean.suggestion(for: name(word), among: commands.map { name($0._commandName) })
                return Failure(
                    .usage, "no such command: '\(name(word))'" + (near.map { "; \($0)" } ?? ""),
                    advice: "to list the commands, run: \((["dss"] + path + ["--help"]).joined(separator: " "))")
            }
            group = command
            path.append(word)
        }
        return nil
    }

    /// The help of a command with its own options above the sections with a title, such as those for AWS only.
    /// ArgumentParser prints them below.
    static func optionsFirst(_ help: String) -> String {
        let isEnded = help.hasSuffix("\n")
        var sections = help.dropLast(isEnded ? 1 : 0).split(separator: "\n\n", omittingEmptySubsequences: false)
        guard let own = sections.firstIndex(where: { $0.hasPrefix("OPTIONS:\n") }),
            let titled = sections.firstIndex(where: { $0.prefix { $0 != "\n" }.hasSuffix(" OPTIONS:") }), titled < own
        else { return help }
        sections.insert(sections.remove(at: own), at: titled)
        return sections.joined(separator: "\n\n") + (isEnded ? "\n" : "")
    }

    /// What ArgumentParser says about a mistake: the error, then the help of the option and the usage.
    static func usageError(_ error: any Error, _ style: Style) -> String {
        let (said, whole) = (Dss.message(for: error), Dss.fullMessage(for: error))
        let end = whole.firstRange(of: said)?.upperBound ?? whole.startIndex
        let rest = whole[end...].drop(while: \.isNewline)
        let isRepeatable = rest.contains("(repeatable)")
        return Message.error(phrase(said: said, isRepeatable), style) + (rest.isEmpty ? "" : "\(rest)\n")
    }

    /// A value that is none of those of an option: the one that was meant, instead of all of them.
    static func phrase(said: String, _ isRepeatable: Bool) -> String {
        let pattern = /(The value '([^']+)' is invalid for '(--[a-z0-9-]+).*?)\. Please provide one of (?s)(.+)/
        guard let match = said.wholeMatch(of: pattern) else { return phrase(said) }
        let (value, option) = (String(match.2), match.3)
        let parts = value.split(separator: ",").map { String($0).trimmingPrefix(" ") }
        if isRepeatable, parts.count > 1 {
            return phrase("\(match.1); repeat the option: \(parts.map { "\(option) \($0)" }.joined(separator: " "))")
        }
        let known = match.4.matches(of: /(?m)^  - (.+)$|'([^']+)'/).map { String($0.1 ?? $0.2 ?? "") }
        let near = DidYouMean.suggestion(for: value, among: known)
        return near.map { phrase("\(match.1); \($0)") } ?? phrase(said)
    }

    /// ArgumentParser writes sentences; our messages start in lower case and do not end with a period.
    private static func phrase(_ sentence: String) -> String {
        var text = sentence.replacing(". Did you mean", with: "; did you mean")
            .replacing(". Please provide", with: "; provide")
        if text.hasSuffix(".") { text.removeLast() }
        let isWord = text.dropFirst().first?.isLowercase == true
        return isWord ? text.prefix(1).lowercased() + text.dropFirst() : text
    }
}
