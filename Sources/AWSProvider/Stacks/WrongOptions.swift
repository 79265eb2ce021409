import Sandbox

/// Refuses the settings of a stack with all the mistakes that were found in them; with none, it lets them pass.
///
/// - Parameter mistakes: each begins with the flag that it is about.
/// - Throws: `Failure` that names all of them, so that nobody has to try once for each.
func refuseOptions(_ mistakes: [String]) throws {
    guard let first = mistakes.first else { return }
    guard mistakes.count > 1 else { throw Failure(.usage, first) }
    throw Failure(.usage, "\(mistakes.count) options are wrong", details: mistakes)
}
