import AWSCore

/// Where the region comes from: flag, variables, profile.
///
/// The AWS CLI 1 knows only AWS_DEFAULT_REGION; 2 and the SDKs look at AWS_REGION first.
func region(flag: String?, _ profile: Profile?, _ world: IdentityWorld) throws -> Setting? {
    if let flag { return try checked(Setting(flag, origin: "--region")) { IdentityError(.usage, $0) } }
    if let variable = world.setting("AWS_REGION", "AWS_DEFAULT_REGION") {
        return try checked(variable) { IdentityError(.usage, $0) }
    }
    guard let profile, let setting = profile.setting("region"), !setting.value.isEmpty else { return nil }
    return try checked(setting) { profile.mistake("region", $0) }
}

/// A region becomes a part of a host's name, so nothing else may stand in it.
func checked(_ region: Setting, _ error: (String) -> IdentityError) throws -> Setting {
    guard isRegion(region.value) else {
        let comment = region.value.contains("#") ? "; a comment needs a line of its own" : ""
        let shown = region.value.count <= 63 ? "'\(region.value)' from \(region.origin)" : region.origin
        throw error("\(shown) is not the name of a region, such as eu-central-1\(comment)")
    }
    return region
}

package func isRegion(_ text: String) -> Bool {
    text.wholeMatch(of: /[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?/) != nil && text.contains(where: \.isLetter)
}
