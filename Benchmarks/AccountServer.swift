import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// An account with so many images, each with its snapshot, and objects, whose answers are made before the first request.
enum AccountServer {
    static func run(images: Int, objects: Int) throws {
        let documents = AccountDocuments(images: images, objects: objects)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(AccountAnswers(documents))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        FileHandle.standardOutput.write(Data("\(channel.localAddress!.port!)\n".utf8))
        while readLine() != nil {}
        try channel.close().wait()
    }
}

private final class AccountAnswers: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let documents: AccountDocuments
    private var head: HTTPRequestHead?
    private var form = ""

    init(_ documents: AccountDocuments) { self.documents = documents }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): (self.head, form) = (head, "")
        case .body(let body): form += String(buffer: body)
        case .end:
            guard let head else { return }
            send(documents.answer(head.method == .GET ? head.uri : form), context)
        }
    }

    private func send(_ body: ByteBuffer?, _ context: ChannelHandlerContext) {
        let length = body?.readableBytes ?? 0
        let fields = HTTPHeaders([
            ("date", "Fri, 02 Jan 2026 03:04:05 GMT"), ("x-amz-request-id", "R"), ("content-type", "text/xml"),
            ("content-length", "\(length)"),
        ])
        let head = HTTPResponseHead(version: .http1_1, status: body == nil ? .notFound : .ok, headers: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
