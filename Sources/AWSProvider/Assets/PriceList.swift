/// What things cost in a month, estimated from the list that ships with the project; `Resources/prices.csv` says where
/// its numbers come from.
package struct PriceList: Sendable {
    /// The month that the prices are of: `2025-01`.
    package let date: String
    private let prices: [Key: Double]

    private struct Key: Hashable {
        var region: String
        var item: String
    }

    package static let shipped = PriceList(String(decoding: PackageResources.prices_csv, as: UTF8.self))

    static let hoursPerMonth = 730.0
    private static let gibibyte = Double(1 << 30)

    package init(_ text: String) {
        var date = ""
        var prices: [Key: Double] = [:]
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# As of: ") { date = String(line.dropFirst("# As of: ".count)) }
            let fields = line.split(separator: ",").map(String.init)
            guard !line.hasPrefix("#"), fields.count == 3, let price = Double(fields[2]) else { continue }
            prices[Key(region: fields[0], item: fields[1])] = price
        }
        (self.date, self.prices) = (date, prices)
    }

    /// - Returns: `nil` where the list does not know it, which is not the same as nothing.
    package func price(_ item: String, in region: String) -> Double? {
        prices[Key(region: region, item: item)] ?? prices[Key(region: "default", item: item)]
    }

    /// A machine with its disks and its address. A stopped one still has its disks.
    package func instance(_ type: String, isRunning: Bool, diskGiB: Int, hasAddress: Bool, in region: String) -> Double?
    {
        guard let disk = price("gp3", in: region).map({ $0 * Double(diskGiB) }) else { return nil }
        guard isRunning else { return disk }
        guard let hour = price(type, in: region) else { return nil }
        let address = hasAddress ? price("address", in: region) ?? 0 : 0
        return disk + (hour + address) * Self.hoursPerMonth
    }

    /// As if nothing of it were shared with an earlier snapshot.
    package func snapshot(bytes: Int64, in region: String) -> Double? {
        price("snapshot", in: region).map { $0 * Double(bytes) / Self.gibibyte }
    }

    /// In the standard class; the others cost less.
    package func stored(bytes: Int64, in region: String) -> Double? {
        price("s3", in: region).map { $0 * Double(bytes) / Self.gibibyte }
    }
}
