/// Something within a build that takes its time, perhaps beside others: an export, the removal of a stack.
package struct Activity: Sendable, Equatable, Codable {
    package var name: String
    /// Seconds since the build began.
    package var began: Double
    package var ended: Double

    package init(_ name: String, began: Double, ended: Double) {
        self.name = name
        self.began = began
        self.ended = ended
    }

    package var seconds: Double { ended - began }
}

extension [Activity] {
    /// The chain of activities that the end of the build waited for, in order: whoever wants a faster build starts here.
    package var criticalPath: [Activity] {
        var path: [Activity] = []
        var moment = Double.infinity
        // Of those that ended before, the one that ended last was waited for; of two, the longer.
        while let last = filter({ $0.ended <= moment && $0.seconds >= 0.1 }).max(by: {
            ($0.ended, $0.seconds) < ($1.ended, $1.seconds)
        }) {
            path.insert(last, at: 0)
            moment = last.began
        }
        return path
    }

    /// What went on at the same time as something of the critical path.
    package var besideCriticalPath: [Activity] {
        let path = criticalPath
        return filter { !path.contains($0) && $0.seconds >= 0.1 }
    }
}
