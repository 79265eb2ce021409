/// How a machine is reached by SSH: a configuration file that says everything (address, port, user, key,
/// pinned host key, proxy) and the host's alias in it, so that `ssh -F CONFIG ALIAS` is all that is ever needed.
package struct SSHEndpoint: Sendable, Equatable, Codable {
    package var configFile: String
    package var alias: String

    package init(configFile: String, alias: String) {
        self.configFile = configFile
        self.alias = alias
    }

    package var commandLine: String { "ssh -F '\(configFile)' '\(alias)'" }
}
