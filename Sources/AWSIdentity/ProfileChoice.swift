/// Which profile is meant, and who says so.
struct ProfileChoice: Sendable {
    /// Its name and `--aws-profile`, the variable, or `default` where nobody names one.
    var setting: Setting
    /// A flag: then only this profile gives credentials, whatever is in the environment.
    var isExplicit: Bool
    var profile: Profile?

    static let flag = "--aws-profile"

    /// - Throws: `IdentityError` where a profile that somebody names is not there.
    init(flag: String?, _ files: ConfigurationFiles, _ world: IdentityWorld) throws {
        isExplicit = flag != nil
        if let named = flag.map({ Setting($0, origin: Self.flag) })
            ?? world.setting("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
        {
            setting = named
            profile = try files.profile(named.value, from: named.origin)
        } else {
            setting = Setting("default", origin: "default")
            profile = files.profiles["default"]
        }
    }
}
