/// Estimates of monthly costs, from the price list that ships with the project. `Resources/prices.csv` names the
/// sources of its prices.
package struct PriceList: Sendable {
    /// Month of the prices, such as `2025-01`.
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

    /// - Returns: the price; `nil` if it is not in the list, which does not mean that the item is free.
    package func price(_ item: String, in region: String) -> Double? {
        prices[Key(region: region, item: item)] ?? prices[Key(region: "default", item: item)]
    }

    /// Monthly cost of an instance with its disks and its address. A stopped instance still incurs the cost of its
    /// disks.
    package func instance(_ type: String, isRunning: Bool, diskGiB: Int, hasAddress: Bool, in region: String) -> Double?
    {
        guard let disk = price("gp3", in: region).map({ $0 * Double(diskGiB) }) else { return nil }
        guard isRunning else { return disk }
        guard let hour = price(type, in: region) else { return nil }
        let address = hasAddress ? price("address", in: region) ?? 0 : 0
        return disk + (hour + address) * Self.hoursPerMonth
    }

    /// Monthly cost of a snapshot, as if it shared no data with an earlier snapshot.
    package func snapshot(bytes: Int64, in region: String) -> Double? {
        price("snapshot", in: region).map { $0 * Double(bytes) / Self.gibibyte }
    }

    /// Monthly cost of an S3 object in the standard storage class; the other classes cost less.
    package func stored(bytes: Int64, in region: String) -> Double? {
        price("s3", in: region).map { $0 * Double(bytes) / Self.gibibyte }
    }
}
