import Testing

/// Builds share machine-wide names and both processors, so they run one after the other.
@Suite("End to end", .serialized)
enum EndToEnd {}
