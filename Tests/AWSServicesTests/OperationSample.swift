import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Testing

/// An operation under test: a sample with every member set, and a way to create a response.
struct OperationSample: @unchecked Sendable, CustomTestStringConvertible {
    let sample: any AWSCore.Operation
    /// botocore's parameters for the same request, if the operation encodes its request itself.
    var parameters: [String: Any]?
    /// Headers that we send and botocore does not at this stage.
    var extraHeaders: [String] = []
    /// How the response differs from one generated from the model alone.
    var answer: [String: Any] = [:]

    init<O: AWSCore.Operation & Codable>(_ type: O.Type) {
        sample = try! SampleDecoder.sample(type)
    }

    /// - Parameters:
    ///   - root: the root of the response document, which the model does not name.
    ///   - set: values of members that do not accept arbitrary text.
    init(
        _ sample: some AWSCore.Operation, _ parameters: [String: Any], extraHeaders: [String] = [], root: String? = nil,
        set: [String: Any] = [:]
    ) {
        self.sample = sample
        self.parameters = parameters
        self.extraHeaders = extraHeaders
        answer = ["set": set]
        answer["root"] = root
    }

    private var type: any AWSCore.Operation.Type { Swift.type(of: sample) }
    var service: Service { type.service }
    var name: String { type.name }
    var testDescription: String { "\(service.id) \(name)" }

    /// botocore's name of the service.
    var botocoreName: String {
        let odd = ["CloudWatch Logs": "logs"]
        return odd[service.id] ?? service.id.lowercased().replacing(" ", with: "-")
    }

    func question(_ what: String, _ more: [String: Any] = [:]) -> [String: Any] {
        ["do": what, "service": botocoreName, "operation": name].merging(more) { $1 }
    }

    func request() throws -> HTTPRequest {
        let endpoint = Endpoint(scheme: "http", host: "localhost", signingRegion: "eu-central-1", isCustom: true)
        var request = HTTPRequest(.post, endpoint)
        try sample.encode(into: &request)
        return request
    }

    func decode(_ response: HTTPResponse) throws -> Any { try sample.decode(response) }

    /// A response with every member, generated from botocore's model.
    func example(items: Int = 2, set: [String: Any] = [:]) async throws -> HTTPResponse {
        var more = answer
        more["items"] = items
        more["set"] = (answer["set"] as? [String: Any] ?? [:]).merging(set) { $1 }
        return HTTPResponse(try await Contract.ask(question("example", more)))
    }

    /// The keys of the operation's documents and forms, in both directions.
    var inputKeys: KeyStyle { sample is any EC2Operation ? .pascal : service.keys }
    var outputKeys: KeyStyle { sample is any EC2Operation ? .camel : service.keys }
}

extension HTTPResponse {
    init(_ answer: [String: Any]) {
        let pairs = (answer["headers"] as? [[String]] ?? []).map { HTTPRequest.Pair($0[0], $0[1]) }
        self.init(
            status: answer["status"] as? Int ?? 0, headers: pairs,
            body: Array(Data(base64Encoded: answer["body"] as? String ?? "") ?? Data()))
    }

    var json: [String: Any] {
        ["status": status, "headers": headers.map { [$0.name, $0.value] }, "body": Data(body).base64EncodedString()]
    }
}

/// Tests/AWSEmulator/contract.py, one process for all tests.
enum Contract {
    private static let process = Result { try PythonProcess(["Tests/AWSEmulator/contract.py"]) }

    static func ask(_ question: [String: Any]) async throws -> [String: Any] {
        let line = try JSONSerialization.data(withJSONObject: question)
        let answer = try await process.get().ask(String(decoding: line, as: UTF8.self))
        let object = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any] ?? [:]
        if let error = object["error"] { throw Failure(description: "\(question["operation"] ?? ""): \(error)") }
        return object
    }

    static func complaints(_ question: [String: Any]) async throws -> [String] {
        try await ask(question)["complaints"] as? [String] ?? ["no answer"]
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }
}
