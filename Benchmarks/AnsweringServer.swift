import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP server on the loopback device that answers at once what AWS would, so that what is measured is the client.
/// It runs in a process of its own; the port is its first line of output.
enum AnsweringServer {
    static let block = [UInt8](repeating: 0x5A, count: 8 << 20)
    static let blocks = 256
    static let objects = 100_000

    static func run() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(Answering())
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        FileHandle.standardOutput.write(Data("\(channel.localAddress!.port!)\n".utf8))
        // Standard input ends with the process that has started this one.
        while readLine() != nil {}
        try channel.close().wait()
    }
}

private final class Answering: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private var head: HTTPRequestHead?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            if let head { answer(head, context) }
        }
    }

    private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = request.uri.prefix { $0 != "?" }
        let query = request.uri.dropFirst(path.count + 1)
        switch (request.method, query) {
        case (.PUT, _):
            send(
                context,
                headers: [
                    ("etag", "\"e\""),
                    ("x-amz-checksum-sha256", request.headers.first(name: "x-amz-checksum-sha256") ?? ""),
                ])
        case (.POST, _) where path == "/": send(context, text: Documents.identity)
        case (.POST, _) where query.hasPrefix("uploads"): send(context, text: Documents.created)
        case (.POST, _):
            send(context, text: Documents.completed(request.headers.first(name: "x-amz-checksum-sha256") ?? ""))
        case (.GET, _) where query.hasPrefix("uploads"): send(context, text: Documents.noUploads)
        case (.GET, _) where query.contains("list-type"): send(context, text: Documents.page(String(query)))
        default: send(context, status: .notFound)
        }
    }

    private func send(_ context: ChannelHandlerContext, text: String) {
        let body = ByteBuffer(string: text)
        send(
            context, headers: [("content-type", "text/xml"), ("content-length", "\(body.readableBytes)")], body: body)
    }

    private func send(
        _ context: ChannelHandlerContext, status: HTTPResponseStatus = .ok, headers: [(String, String)] = [],
        body: ByteBuffer? = nil
    ) {
        var fields = HTTPHeaders([("date", "Fri, 02 Jan 2026 03:04:05 GMT"), ("x-amz-request-id", "R")] + headers)
        if !fields.contains(name: "content-length") { fields.add(name: "content-length", value: "0") }
        context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: fields))), promise: nil)
        if let body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
