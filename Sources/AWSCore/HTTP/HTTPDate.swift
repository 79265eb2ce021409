import FoundationEssentials

/// Reads the value of a `Date` header: `Tue, 24 Nov 2026 11:02:03 GMT` (RFC 9110, section 5.6.7).
func httpDate(_ text: String) -> Date? {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard let match = text.wholeMatch(of: /[A-Za-z]{3}, ([0-9]{2}) ([A-Za-z]{3}) ([0-9]{4}) ([0-9:]{8}) GMT/),
        let month = months.firstIndex(of: String(match.2))
    else { return nil }
    let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    return try? Date("\(match.3)-\(number)-\(match.1)T\(match.4)Z", strategy: .iso8601)
}
