import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Testing

/// Checks every operation against the service models that botocore ships. Needs `.venv-aws`, which `make test` sets up.
@Suite("Contract with the service models")
struct ContractTests {
    @Test("the catalogue has every operation of the module")
    func completeness() throws {
        let folder = PythonProcess.root.appending(path: "Sources/AWS/AWSServices")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.allObjects as? [URL]
        var declared: Set<String> = []
        for file in try #require(files) where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            declared.formUnion(text.matches(of: /struct (\w+): \w+Operation/).map { String($0.output.1) })
        }
        #expect(declared == Set(Catalogue.all.map(\.name)))
        #expect(Catalogue.all.count == declared.count)
    }

    static let services = Dictionary(Catalogue.all.map { ($0.botocoreName, $0) }) { first, _ in first }

    @Test("services have the names, signing names and endpoints of the model", arguments: services.keys.sorted())
    func service(_ name: String) async throws {
        let subject = try #require(Self.services[name])
        let service = subject.service
        let regions = ["eu-central-1", "us-east-1", "us-west-2", "cn-north-1", "us-gov-west-1"]
        let model = try await Contract.ask(["do": "service", "service": name, "regions": regions])
        #expect(service.id == model["serviceId"] as? String)
        #expect(service.version == model["version"] as? String)
        #expect(service.signingName == model["signingName"] as? String)
        #expect(service.endpointPrefix == model["endpointPrefix"] as? String)
        #expect(service.targetPrefix == model["targetPrefix"] as? String)
        let endpoints = try #require(model["endpoints"] as? [String: [String: String]])
        for region in regions {
            let ours = service.endpoint(in: region)
            let theirs = try #require(endpoints[region])
            // AWS GovCloud has no CloudFront; botocore then invents an endpoint.
            if name == "cloudfront", region.hasPrefix("us-gov-") { continue }
            #expect(ours.host == theirs["host"], "\(region)")
            #expect(ours.signingRegion == theirs["signingRegion"], "\(region)")
        }
    }

    @Test("protocols match the model", arguments: Catalogue.all)
    func wireProtocol(_ subject: OperationSample) async throws {
        let model = try await Contract.ask(["do": "service", "service": subject.botocoreName, "regions": [String]()])
        let ours =
            switch subject.sample {
            case is any QueryOperation: "query"
            case is any EC2Operation: "ec2"
            case is any JSONOperation: "json"
            case is any RESTXMLOperation: "rest-xml"
            case is any RESTJSONOperation: "rest-json"
            default: "none"
            }
        #expect(ours == model["protocol"] as? String)
    }

    @Test(
        "a full input has the model's names, kinds and required members, and botocore's form", arguments: Catalogue.all)
    func input(_ subject: OperationSample) async throws {
        let tree = try Tree(of: subject.sample, subject.inputKeys)
        #expect(tree.missing == [], "the sample is not full")
        let request = try subject.request()
        var question = subject.question("input")
        question["request"] = [
            "method": request.method.rawValue, "path": request.path,
            "query": request.query.map { [$0.name, $0.value] }, "headers": request.headers.map { [$0.name, $0.value] },
            "body": Data(request.body).base64EncodedString(), "extra": subject.extraHeaders,
        ]
        if let parameters = subject.parameters {
            question["parameters"] = parameters
        } else {
            question["tree"] = tree.value
            question["optional"] = Array(tree.optional)
        }
        let complaints = try await Contract.complaints(question)
        #expect(complaints == [])
    }

    @Test(
        "a full answer is read as botocore reads it, and no member stays empty", arguments: Catalogue.all, [0, 1, 2, 3])
    func output(_ subject: OperationSample, items: Int) async throws {
        let response = try await subject.example(items: items)
        let tree = try Tree(of: subject.decode(response), subject.outputKeys)
        if items > 0 {
            #expect(tree.missing == [], "the answer has every member")
            #expect(emptyLists(in: tree.value) == [], "the answer has items in every list")
        }
        let complaints = try await Contract.complaints(
            subject.question("output", ["tree": tree.value, "names": tree.names, "answer": response.json]))
        #expect(complaints == [])
    }

    private func emptyLists(in tree: Any, at path: String = "") -> [String] {
        if let items = tree as? [Any] {
            return items.isEmpty ? [path] : items.flatMap { emptyLists(in: $0, at: path) }
        }
        return (tree as? [String: Any])?.flatMap { emptyLists(in: $0.value, at: "\(path).\($0.key)") } ?? []
    }

    @Test("client tokens of the model are declared as such", arguments: Catalogue.all)
    func tokens(_ subject: OperationSample) async throws {
        let marked = try #require(try await Contract.ask(subject.question("traits"))["tokens"] as? [String])
        let declared = try declaredToken(of: subject.sample, subject)
        #expect(marked.allSatisfy { $0 == declared }, "\(marked), declared \(declared ?? "none")")
    }

    /// The member that changes when the token does.
    private func declaredToken<O: AWSCore.Operation>(of sample: O, _ subject: OperationSample) throws -> String? {
        guard case .token(let path) = O.retrySafety else { return nil }
        var changed = sample
        changed[keyPath: path] = "another"
        return try difference(of: sample, changed, subject).keys.first
    }

    /// Members, with the model's names, by which two inputs differ.
    private func difference(of one: Any, _ other: Any, _ subject: OperationSample) throws -> [String: Any] {
        let trees = try [one, other].map { try Tree(of: $0, subject.inputKeys).value as? [String: Any] ?? [:] }
        return Dictionary(
            uniqueKeysWithValues: trees[1].filter { !isSame(trees[0][$0.key], $0.value) }
                .map { (subject.service.keys == .camel ? $0.key : KeyStyle.pascal.key($0.key), $0.value) })
    }

    private func isSame(_ one: Any?, _ other: Any) -> Bool {
        [one as Any] as NSArray == [other] as NSArray
    }

    /// Lists that botocore does not paginate.
    static let unknownPages: Set<String> = ["GetLogEvents", "ListSnapshotBlocks"]

    @Test("pagination uses the tokens of the model", arguments: Catalogue.all)
    func paging(_ subject: OperationSample) async throws {
        let paging = try await Contract.ask(subject.question("traits"))["paging"] as? [String: Any]
        guard let paged = subject.sample as? any PagedOperation else {
            #expect(paging == nil, "botocore turns its pages")
            return
        }
        let response = try await subject.example(set: ["NextPartNumberMarker": 77])
        let turned = try turn(paged, after: response)
        #expect(turned.items > 0)
        let change = try difference(of: paged, try #require(turned.next), subject)
        guard let paging else {
            #expect(Self.unknownPages.contains(subject.name))
            return
        }
        #expect(Set(change.keys) == Set(try #require(paging["input"] as? [String])))
        for (input, output) in zip(paging["input"] as? [String] ?? [], paging["output"] as? [String] ?? []) {
            let value = try #require(change[input])
            #expect("\(value)".hasPrefix("\(output) ") || value as? Int == 77)
        }
        let last = try await subject.example(set: ["NextToken": "", "nextToken": "", "IsTruncated": "false"])
        #expect(try turn(paged, after: last).next == nil, "an empty token ends the list")
    }

    private func turn<O: PagedOperation>(_ operation: O, after response: HTTPResponse) throws -> (next: O?, items: Int)
    {
        let page = try operation.decode(response)
        var next = operation
        return (try next.turn(after: page) ? next : nil, O.items(of: page).count)
    }

    /// Codes that the models omit. S3's are listed in
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
    static let unlisted: Set<String> = ["PreconditionFailed"]

    @Test("error codes that indicate an earlier success exist in AWS", arguments: Catalogue.all)
    func errors(_ subject: OperationSample) async throws {
        let known = try #require(try await Contract.ask(subject.question("traits"))["errors"] as? [String])
        let used = codes(of: subject.sample).subtracting(Self.unlisted)
        #expect(known.isEmpty || used.isSubset(of: known))
    }

    private func codes<O: AWSCore.Operation>(of operation: O) -> Set<String> {
        switch O.retrySafety {
        case .removal(let gone, _): gone
        case .lookup(let taken, _): taken
        default: []
        }
    }
}
