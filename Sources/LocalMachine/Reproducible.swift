/// What makes tools give the same files whenever they run.
package enum Reproducible {
    /// No file of a container image is newer: 2025-01-01T00:00:00Z, in seconds since 1970.
    package static let time = 1_735_689_600

    /// With a source date Python recognizes stale bytecode by the source's hash and not by its time, which an image
    /// does not keep; without a fixed seed the order of some constants in it differs from run to run.
    package static let environment = [
        "SOURCE_DATE_EPOCH": "\(time)", "PYTHONHASHSEED": "0", "PYC_INVALIDATION_MODE": "CHECKED_HASH",
    ]
}
