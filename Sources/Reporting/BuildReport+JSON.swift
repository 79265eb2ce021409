import Sandbox

extension BuildReport {
    /// The report as a document: `asset_id`, `provider`, `outcome` (`built` or `up-to-date`), `seconds`, `stages`,
    /// `activities`, `critical_path`, `machine_image` (the AMI), `artifacts`, `missing`, `user`, `jupyter_port`, `default_password`, `next`.
    ///
    /// - Parameter password: the default password where one was made for this build; it is nowhere else, so a
    ///   program that starts a build must get it here.
    package func json(password: Secret? = nil) -> JSONValue {
        .object(members(password))
    }

    /// The last line of the `--json` stream.
    package func event(password: Secret? = nil) -> String {
        JSONValue.object([("event", .string("report"))] + members(password)).line + "\n"
    }

    private func members(_ password: Secret?) -> [(String, JSONValue)] {
        [
            ("asset_id", .string(assetID.rawValue)),
            ("provider", .string(provider)),
            ("outcome", .string(isUpToDate ? "up-to-date" : "built")),
            ("seconds", .seconds(seconds)),
            ("stages", .array(stages.map { .object(StageForm.members($0.stage, $0.seconds, $0.outcome)) })),
            ("activities", .array(activities.map(\.value))),
            ("critical_path", .array(activities.criticalPath.map { .string($0.name) })),
            ("machine_image", machineImage?.value ?? .null),
            ("artifacts", .array(artifacts.map { .object($0.members) })),
            (
                "missing",
                .array(
                    missing.map {
                        .object([("component", .string($0.component)), ("reason", .string($0.reason))])
                    })
            ),
            ("user", .string(user)),
            ("jupyter_port", .count(jupyterPort)),
            ("default_password", .text(hasOlderPassword ? nil : password?.reveal)),
            ("next", .text(nextCommand)),
        ]
    }
}

extension Activity {
    fileprivate var value: JSONValue {
        .object([("name", .string(name)), ("began", .seconds(began)), ("ended", .seconds(ended))])
    }
}

extension MachineImage {
    fileprivate var value: JSONValue {
        .object([("id", .string(id)), ("name", .string(name)), ("region", .string(region))])
    }
}
