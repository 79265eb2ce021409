/// The stages of the workflow, in order.
package enum Stage: String, Sendable, Codable, CaseIterable {
    case setup
    case install
    case seal
    case capture
    case export
    case cleanUp = "clean up"
}
