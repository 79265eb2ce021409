extension AWSClient {
    /// The pages of a list, each fetched when it is asked for.
    package func pages<O: PagedOperation>(of operation: O) -> Pages<O> {
        Pages(operation: operation, client: self)
    }

    /// All entries of a list, over all its pages, without ever holding more than one page.
    package func items<O: PagedOperation>(of operation: O) -> Items<O> {
        Items(pages: pages(of: operation))
    }
}

package struct Pages<O: PagedOperation>: AsyncSequence, Sendable {
    fileprivate let operation: O
    fileprivate let client: AWSClient

    package struct Iterator: AsyncIteratorProtocol, Sendable {
        fileprivate var next: O?
        fileprivate let client: AWSClient

        package mutating func next() async throws -> O.Output? {
            guard var operation = next else { return nil }
            let page = try await client.call(operation)
            do { next = try operation.turn(after: page) ? operation : nil } catch let error as UnexpectedAnswer {
                throw AWSError(error, of: O.self, in: client.region, attempts: 1, mayHaveTakenEffect: false)
            }
            return page
        }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(next: operation, client: client) }
}

package struct Items<O: PagedOperation>: AsyncSequence, Sendable {
    fileprivate let pages: Pages<O>

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate var pages: Pages<O>.Iterator
        fileprivate var page: [O.Item] = []
        fileprivate var index = 0

        package mutating func next() async throws -> O.Item? {
            while index == page.count {
                guard let next = try await pages.next() else { return nil }
                page = O.items(of: next)
                index = 0
            }
            defer { index += 1 }
            return page[index]
        }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(pages: pages.makeAsyncIterator()) }
}

/// Moves a token on to that of the next page.
/// - Returns: false where the service gave none, or an empty one as some do on the last page.
/// - Throws: `UnexpectedAnswer` where it gives the same again, since such a list would never end.
package func advance(_ token: inout String?, to next: String?) throws -> Bool {
    guard let next, !next.isEmpty else { return false }
    guard next != token else { throw UnexpectedAnswer.sameToken }
    token = next
    return true
}

extension UnexpectedAnswer {
    package static let sameToken = UnexpectedAnswer(
        "the list does not go on: the token of its next page is that of this one")
}
