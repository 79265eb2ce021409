import FoundationEssentials
import Sandbox
import Workbench

/// A Python program that uses the sandbox from the inside: it runs kernels and notebooks, and imports what is installed.
///
/// It runs as the login user, with the Python of JupyterLab, and prints facts.
package struct KernelChecks: Sendable {
    private let expectations: Expectations
    private let secret: Secret?

    /// - Parameter secret: The token or password of JupyterLab; without it, no kernel is started through JupyterLab.
    package init(_ expectations: Expectations, secret: Secret?) {
        self.expectations = expectations
        self.secret = secret
    }

    /// The shell command that reads the program from standard input, where it can contain a secret.
    package var command: String { "exec \(shellQuoted("\(expectations.paths.jupyter)/bin/python")) -I -" }

    package var program: String {
        get throws {
            let (paths, limits) = (expectations.paths, expectations.limits)
            let settings = Settings(
                port: expectations.jupyterPort, secret: secret?.reveal, notebooks: paths.notebooks,
                clone: paths.scriptLanguages, records: paths.pythonRecords, step: limits.step.components.seconds,
                limit: limits.kernels.components.seconds,
                snippets: String(decoding: PackageResources.snippets_py, as: UTF8.self))
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // An object of strings and numbers is also a dictionary in Python.
            let literal = String(decoding: try encoder.encode(settings), as: UTF8.self)
            let parts = [PackageResources.kernel_py, PackageResources.checks_py].map {
                String(decoding: $0, as: UTF8.self)
            }
            return (parts + ["main(\(literal))\n"]).joined(separator: "\n\n")
        }
    }

    private struct Settings: Encodable {
        var port: Int
        var secret: String?
        var notebooks: String
        var clone: String
        var records: String
        /// Seconds for a single cell, import or request.
        var step: Int64
        /// Seconds for the whole program.
        var limit: Int64
        /// The program that imports modules in another environment.
        var snippets: String
    }

    /// The current activity, if a line of output names one.
    package static func activity(in line: String) -> String? {
        let mark = "progress="
        return line.hasPrefix(mark) ? String(line.dropFirst(mark.count)) : nil
    }
}
