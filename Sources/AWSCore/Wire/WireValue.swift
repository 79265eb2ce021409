/// An encoded input before it is written in one of the wire protocols; members keep the order of their declaration.
package indirect enum WireValue: Sendable, Equatable {
    case text(String)
    case list([WireValue])
    case structure([Member])

    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: WireValue
    }
}
