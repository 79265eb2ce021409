/// Times and sizes as people read them.
///
/// Sizes count in powers of 1000 (`1 MB` is 1,000,000 bytes), as disk makers, `qemu-img` users' file managers and
/// AWS's prices do; where a size decides something, the exact bytes stand beside it.
package enum Units {
    /// `34.1 s`, `2 min 05 s`, `1 h 02 min`.
    package static func time(_ seconds: Double) -> String {
        let tenths = whole(max(0, seconds) * 10)
        guard tenths >= 600 else { return "\(tenths / 10).\(tenths % 10) s" }
        let rounded = whole(seconds)
        guard rounded >= 3600 else { return "\(rounded / 60) min \(twoDigits(rounded % 60)) s" }
        return "\(rounded / 3600) h \(twoDigits(rounded / 60 % 60)) min"
    }

    /// A running clock in whole seconds, so that it does not flicker.
    static func clock(_ seconds: Double) -> String {
        seconds < 60 ? "\(whole(max(0, seconds).rounded(.down))) s" : time(seconds.rounded(.down))
    }

    /// Three significant digits: `512 B`, `36.4 MB`, `1.36 GB`.
    package static func size(_ bytes: Int64) -> String {
        guard bytes >= 1000 else { return "\(bytes) B" }
        var value = Double(bytes) / 1000
        var unit = 0
        while value >= 999.5, unit < 4 {
            value /= 1000
            unit += 1
        }
        let decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        return "\(fixed(value, decimals)) \(["kB", "MB", "GB", "TB", "PB"][unit])"
    }

    /// Dollars to the cent; a trace of them is not nothing.
    package static func dollars(_ amount: Double) -> String {
        amount > 0 && amount < 0.005 ? "<0.01" : fixed(amount, 2)
    }

    /// All digits, in groups of three: `1,363,148,800`.
    static func exact(_ number: Int64) -> String {
        let digits = String(number.magnitude)
        let grouped = digits.enumerated().reduce(into: "") { text, digit in
            if digit.offset > 0, (digits.count - digit.offset).isMultiple(of: 3) { text.append(",") }
            text.append(digit.element)
        }
        return (number < 0 ? "-" : "") + grouped
    }

    /// `512 of 1300 MB`: both in the unit that suits the whole.
    static func transferred(_ completed: Double, of total: Double?) -> String {
        let inKilobytes = (total ?? completed) < 10_000_000
        let done = whole(max(0, completed) / (inKilobytes ? 1000 : 1_000_000))
        let all = total.map { " of \(whole($0 / (inKilobytes ? 1000 : 1_000_000)))" } ?? ""
        return "\(done)\(all) \(inKilobytes ? "kB" : "MB")"
    }

    static func percent(_ fraction: Double) -> String { "\(whole(fraction * 100)) %" }

    /// The nearest whole number; what is none (an unknown rate's infinity) counts as 0.
    static func whole(_ number: Double) -> Int {
        Int(exactly: number.rounded()) ?? 0
    }

    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard decimals > 0 else { return "\(whole(value))" }
        let scale = decimals == 1 ? 10 : 100
        let scaled = whole(value * Double(scale))
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
