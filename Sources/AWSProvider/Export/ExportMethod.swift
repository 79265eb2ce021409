/// How the disk of an AMI becomes files in the bucket.
package enum ExportMethod: String, Sendable, CaseIterable {
    /// What fits best; it is said which, and why.
    case auto
    /// AWS does it (ExportImage): no byte passes here, one format after the other, VHD, VMDK and RAW only.
    case vmExport = "vm-export"
    /// The snapshot is read here once by EBS direct, converted to all formats at once, and uploaded.
    case ebsDirect = "ebs-direct"
}
