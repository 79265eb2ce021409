import Testing
@testable import LocalMachine
