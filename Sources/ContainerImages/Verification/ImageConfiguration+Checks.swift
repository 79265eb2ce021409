extension ImageConfiguration {
    /// What is not as it has to be; `nil` where all is well.
    var problem: String? {
        if config.entrypoint != [Self.entryPoint] { return "the entry point is \(config.entrypoint)" }
        if port == 0 { return "no port is exposed" }
        if user.isEmpty { return "no volume /home/USER/notebooks is named" }
        if config.healthcheck.test.first != "CMD" { return "there is no health check" }
        let missing = ["version", "source", "licenses"].filter {
            config.labels["org.opencontainers.image.\($0)"]?.isEmpty ?? true
        }
        return missing.isEmpty ? nil : "there is no label org.opencontainers.image.\(missing[0])"
    }

    /// The first text that looks like a secret.
    var secret: String? {
        let texts =
            config.environment + history.map(\.createdBy) + config.labels.map { "\($0.key)=\($0.value)" }
        let signs = /(?i)passw|secret|token|credential|AKIA[0-9A-Z]{16}|-----BEGIN|:\/\/[^\/\s:]+:[^\/\s@]+@/
        return texts.first { $0.firstMatch(of: signs) != nil }.map { "'\($0)'" }
    }
}
