import Testing
@testable import DiskImages
