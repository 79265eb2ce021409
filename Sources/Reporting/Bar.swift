/// A horizontal bar of characters.
enum Bar {
    /// The filled part of a bar that would be `width` columns at a fraction of 1; at least a sliver for more than
    /// nothing, so that a short stage can be seen.
    static func filled(_ fraction: Double, width: Int, _ style: Style) -> String {
        let fraction = fraction.isFinite ? min(1, max(0, fraction)) : 0
        guard fraction > 0 else { return "" }
        guard style.unicode else {
            return String(repeating: "#", count: max(1, Units.whole(fraction * Double(width))))
        }
        let eighths = max(1, Units.whole(fraction * Double(width) * 8))
        let rest = eighths % 8
        return String(repeating: "█", count: eighths / 8)
            + (rest == 0 ? "" : ["▏", "▎", "▍", "▌", "▋", "▊", "▉"][rest - 1])
    }

    /// A bar in its frame: `[#####     ]`.
    static func framed(_ fraction: Double, width: Int, _ style: Style) -> String {
        "[" + filled(fraction, width: width, style).padded(to: width) + "]"
    }
}
