import Sandbox

/// What a check found, and what to do about it.
struct PreflightFinding: Sendable, Equatable {
    enum Weight: Sendable { case problem, warning, notice }

    var weight: Weight
    var text: String
    var advice: String?
    /// The exit code where it is the only problem.
    var code: Failure.Code

    static func problem(_ text: String, advice: String, code: Failure.Code = .failed) -> PreflightFinding {
        PreflightFinding(weight: .problem, text: text, advice: advice, code: code)
    }

    static func warning(_ text: String, advice: String? = nil) -> PreflightFinding {
        PreflightFinding(weight: .warning, text: text, advice: advice, code: .failed)
    }

    static func notice(_ text: String) -> PreflightFinding {
        PreflightFinding(weight: .notice, text: text, advice: nil, code: .failed)
    }

    init(weight: Weight, text: String, advice: String?, code: Failure.Code) {
        self.weight = weight
        self.text = text
        self.advice = advice
        self.code = code
    }

    /// A problem that another part of the program has found.
    init(_ failure: Failure) {
        self.init(weight: .problem, text: failure.message, advice: failure.advice, code: failure.code)
    }

    var line: String { text + (advice.map { "; \($0)" } ?? "") }

    /// - Returns: `nil` where nothing was found.
    static func failure(of problems: [PreflightFinding]) -> Failure? {
        guard let first = problems.first else { return nil }
        let end = "nothing has been made"
        guard problems.count > 1 else {
            return Failure(first.code, first.text, details: [end], advice: first.advice)
        }
        let isOfOneKind = problems.allSatisfy { $0.code == first.code }
        return Failure(
            isOfOneKind ? first.code : .failed,
            "AWS would not let this build come to its end, for \(problems.count) reasons",
            details: problems.flatMap { problem in
                ["- \(problem.text)"] + (problem.advice.map { ["  → \($0)"] } ?? [])
            } + [end], advice: "mend these, then run the same command again")
    }
}
