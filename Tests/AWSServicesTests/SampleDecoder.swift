import Foundation

/// Creates a value of any decodable type with every member set to a distinct value, as if decoded from a complete
/// response.
struct SampleDecoder: Decoder {
    final class Counter {
        var value = 1000

        func next() -> Int {
            value += 1
            return value
        }
    }

    var name = ""
    let counter: Counter
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func sample<T: Decodable>(_ type: T.Type) throws -> T {
        try SampleDecoder(counter: Counter()).value(type)
    }

    func value<T: Decodable>(_ type: T.Type) throws -> T {
        let number = counter.next()
        // Characters that every encoding must handle, at the greatest minimum length that AWS requires.
        if type == String.self { return "\(name) é/&=+<\"'~ and more than 32 letters \(number)" as! T }
        if type == Int.self { return number as! T }
        if type == Bool.self { return true as! T }
        if type == Double.self { return (Double(number) + 0.5) as! T }
        if type == Date.self { return Date(timeIntervalSince1970: 1_770_000_000 + Double(number)) as! T }
        if type == Data.self { return Data("\(name)\(number)".utf8) as! T }
        return try T(from: self)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Members<Key>(counter: counter))
    }

    func unkeyedContainer() -> any UnkeyedDecodingContainer { Items(decoder: self) }
    func singleValueContainer() -> any SingleValueDecodingContainer { Single(decoder: self) }

    struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let counter: Counter
        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { [] }

        private func decoder(_ key: Key) -> SampleDecoder { SampleDecoder(name: key.stringValue, counter: counter) }

        func contains(_ key: Key) -> Bool { true }
        func decodeNil(forKey key: Key) -> Bool { false }
        func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try decoder(key).value(type) }
        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedDecodingContainer<Nested> { decoder(key).container(keyedBy: type) }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedDecodingContainer {
            decoder(key).unkeyedContainer()
        }
        func superDecoder() -> any Decoder { SampleDecoder(counter: counter) }
        func superDecoder(forKey key: Key) -> any Decoder { decoder(key) }
    }

    struct Items: UnkeyedDecodingContainer {
        let decoder: SampleDecoder
        var currentIndex = 0
        var codingPath: [any CodingKey] { [] }
        var count: Int? { 2 }
        var isAtEnd: Bool { currentIndex == 2 }

        mutating func decodeNil() -> Bool { false }
        mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
            currentIndex += 1
            return try decoder.value(type)
        }
        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type
        ) -> KeyedDecodingContainer<Nested> { decoder.container(keyedBy: type) }
        mutating func nestedUnkeyedContainer() -> any UnkeyedDecodingContainer { decoder.unkeyedContainer() }
        mutating func superDecoder() -> any Decoder { decoder }
    }

    struct Single: SingleValueDecodingContainer {
        let decoder: SampleDecoder
        var codingPath: [any CodingKey] { [] }

        func decodeNil() -> Bool { false }
        func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.value(type) }
    }
}
