import Sandbox

/// What an image promises, to be held against a booted copy of it.
package struct Expectations: Sendable, Equatable {
    /// The login user, member of sudo and docker.
    package var user: String
    /// The expired password that the first login must replace.
    package var password: Secret
    /// The password of JupyterLab until its user changes it.
    package var jupyterPassword: Secret
    /// The port inside the guest, as the message of the day names it.
    package var jupyterPort: Int
    /// Components that the build knowingly went without, from the image's manifest; their checks are skipped.
    package var missing: [MissingComponent]
    package var paths: Paths
    package var limits: Limits

    package init(
        user: String = "ubuntu", password: Secret, jupyterPassword: Secret, jupyterPort: Int = 49494,
        missing: [MissingComponent] = [], paths: Paths = .init(), limits: Limits = .init()
    ) {
        self.user = user
        self.password = password
        self.jupyterPassword = jupyterPassword
        self.jupyterPort = jupyterPort
        self.missing = missing
        self.paths = paths
        self.limits = limits
    }

    /// Where the playbook puts things; relative paths start at the user's home.
    package struct Paths: Sendable, Equatable {
        package var scriptLanguages: String
        /// What the build itself recorded as missing, as a JSON list of components.
        package var missingComponents: String

        package init(
            scriptLanguages: String = "script-languages-release",
            missingComponents: String = "/usr/local/share/dss/missing.json"
        ) {
            self.scriptLanguages = scriptLanguages
            self.missingComponents = missingComponents
        }
    }

    /// How long a guest may take; generous, because an emulated one is twenty times slower than a real one.
    package struct Limits: Sendable, Equatable {
        /// Until sshd answers.
        package var boot: Duration
        /// Until JupyterLab and the Docker engine answer, from the first login on.
        package var services: Duration
        /// For one login, or one question to the guest.
        package var answer: Duration
        /// For everything, both copies together.
        package var total: Duration

        package init(
            boot: Duration = .seconds(300), services: Duration = .seconds(180), answer: Duration = .seconds(90),
            total: Duration = .seconds(1200)
        ) {
            self.boot = boot
            self.services = services
            self.answer = answer
            self.total = total
        }
    }
}
