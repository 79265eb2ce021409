import AWSCore

/// HTTP without signatures, as everybody fetches public files: sent again where that can help.
package struct PlainHTTP: Sendable {
    package var transport: any Transport
    package var time: CallTime
    package var backoff: Backoff
    /// For how long a server may say that it was asked too often, all in all, before that is taken as its last word.
    package var patience: Duration
    /// Told why nothing happens for a while.
    package var tell: @Sendable (String) -> Void

    /// - Parameter patience: by default longer than the longest window of a rate limit in AWS WAF, ten minutes.
    package init(
        transport: any Transport, time: CallTime = .live, backoff: Backoff = .init(),
        patience: Duration = .seconds(900),
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.transport = transport
        self.time = time
        self.backoff = backoff
        self.patience = patience
        self.tell = tell
    }

    /// A small file, in memory.
    package func get(_ request: HTTPRequest) async throws -> [UInt8] { try await send(request).body }

    /// - Parameter isKnown: the server has served the same thing before, so that a refusal can only be a rate limit.
    /// - Returns: an answer with success.
    /// - Throws: `HTTPRefusal`; `TransportError` after all attempts.
    func send(_ request: HTTPRequest, isKnown: Bool = false) async throws -> HTTPResponse {
        var attempt = 0
        var waited: Duration = .zero
        while true {
            attempt += 1
            do {
                let response = try await transport.send(request, within: .seconds(1800))
                // A challenge is a success by its number: it must not be taken for the file.
                if response.isSuccess, response.header("x-amz-waf-action") == nil { return response }
                if let pause = limit(response, isKnown), waited + pause <= patience {
                    tell(
                        "\(request.endpoint.host) wants to be asked less often: going on in \(pause.components.seconds) s"
                    )
                    try await time.sleep(pause)
                    waited += pause
                    attempt -= 1
                    continue
                }
                guard response.status >= 500, attempt < backoff.attempts else {
                    throw HTTPRefusal(response, to: request)
                }
            } catch let error as TransportError {
                guard attempt < backoff.attempts else { throw error }
            }
            try await time.sleep(backoff.pause(after: attempt, isThrottled: false, chance: time.random()))
        }
    }

    /// How long a server wants not to be asked. AWS WAF blocks with a plain 403 who is above its rate.
    private func limit(_ response: HTTPResponse, _ isKnown: Bool) -> Duration? {
        guard response.header("x-amz-waf-action") == nil else { return nil }
        let asked = response.header("retry-after").flatMap { Int64($0) }.map { Duration.seconds(max(1, $0)) }
        switch response.status {
        case 429: return asked ?? .seconds(30)
        case 503: return asked
        case 403 where isKnown: return .seconds(30)
        default: return nil
        }
    }
}

/// A server's answer that is not what was asked for.
package struct HTTPRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    package var url: String
    package var status: Int
    /// What AWS WAF wants first: `captcha` or `challenge`.
    package var wafAction: String?
    /// Where it is instead.
    package var location: String?

    init(_ response: HTTPResponse, to request: HTTPRequest) {
        url = request.url
        status = response.status
        wafAction = response.header("x-amz-waf-action")
        location = response.header("location")
    }

    package var description: String { "\(url) was answered with \(status)" }
}
