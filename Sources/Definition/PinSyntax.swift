/// What names and versions look like, per kind of package.
enum PinSyntax {
    case debian, python, tag, interpreter

    var thing: String {
        switch self {
        case .debian: "Debian package"
        case .python: "Python package"
        case .tag: "Git repository"
        case .interpreter: "Python interpreter"
        }
    }

    var example: String {
        switch self {
        case .debian: "git: \"1:2.39.5-0+deb12u3\""
        case .python: "jupyterlab: \"4.4.1\""
        case .tag: "script-languages-release: \"5.0.0\""
        case .interpreter: "python: \"3.11\""
        }
    }

    func isName(_ name: String) -> Bool {
        switch self {
        // Debian Policy 5.6.7; an architecture may follow, as in libc6:amd64.
        case .debian: name.wholeMatch(of: /[a-z0-9][a-z0-9+.\-]+(?::[a-z0-9]+)?/) != nil
        // https://packaging.python.org/en/latest/specifications/name-normalization/
        case .python: name.wholeMatch(of: /[A-Za-z0-9](?:[A-Za-z0-9._\-]*[A-Za-z0-9])?/) != nil
        case .tag, .interpreter: name.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._\/\-]*/) != nil
        }
    }

    func isVersion(_ version: String) -> Bool {
        switch self {
        // Debian Policy 5.6.12.
        case .debian: version.wholeMatch(of: /(?:[0-9]+:)?[0-9][A-Za-z0-9.+~\-]*/) != nil
        // The characters of https://peps.python.org/pep-0440/; pip judges the rest.
        case .python: version.wholeMatch(of: /v?(?:[0-9]+!)?[0-9][A-Za-z0-9.+_\-]*/) != nil
        case .interpreter: version.wholeMatch(of: /3\.[0-9]+/) != nil
        // A safe part of git-check-ref-format; a leading dash would be an option.
        case .tag: version.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._+\/\-]*/) != nil
        }
    }
}
