import Sandbox
import Workbench

/// The name of a machine, its network namespace and its build directory, always the same for one asset id
/// and state directory, so that what a killed build left is found again by name.
///
/// Host names have at most 63 characters; the hash keeps `6.1` and `6-1`, and two state directories, apart.
func machineName(_ assetID: String, stateDirectory: String) -> String {
    var hash = ContentHash()
    hash.add("asset id", assetID)
    hash.add("state directory", stateDirectory)
    return "dss-\(AssetID.dashed(assetID).prefix(40))-\(hash.hexDigest.prefix(8))"
}
