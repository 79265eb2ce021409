import Glibc

/// One measured figure beside what was asked for.
struct Figure {
    var name: String
    var value: Double
    var unit: String
    var limit: Double?

    var line: String {
        let value = rounded(value)
        guard let limit else { return "\(name): \(value) \(unit)" }
        return "\(name): \(value) \(unit) (limit \(rounded(limit)) \(unit)) \(self.value <= limit ? "ok" : "TOO MUCH")"
    }

    private func rounded(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }
}

/// The median of several runs, after one that does not count, in milliseconds.
func median(_ runs: Int = 9, _ body: () async throws -> Void) async rethrows -> Double {
    try await body()
    var times: [Double] = []
    for _ in 0..<runs { times.append(try await milliseconds(body)) }
    return times.sorted()[runs / 2]
}

func milliseconds(_ body: () async throws -> Void) async rethrows -> Double {
    let duration = try await ContinuousClock().measure(body)
    return Double(duration.components.seconds) * 1000 + Double(duration.components.attoseconds) / 1e15
}

/// Peak resident memory of this process so far, in MB.
func peakMemory() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_maxrss) / 1000
}
