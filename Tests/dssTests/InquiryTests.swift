import Sandbox
import Testing

@testable import dss

@Suite("Causes that are looked up after a failure")
struct InquiryTests {
    private static let cause = Failure(.badData, "htop is gone", advice: "dss pins update htop")

    @Test("the failure is on the screen before its cause is looked up, and the cause decides on the exit code")
    func text() async {
        let (output, errors) = (Buffer(), Buffer())
        var failure = Failure(.failed, "task failed")
        failure.inquiry = {
            #expect(errors.text.contains("task failed"))
            return Self.cause
        }
        let code = await Main.run(["doctor"], in: PretendWorld().live(output, errors)) { [failure] _ in throw failure }
        #expect(code == 65)
        #expect(errors.text == "dss: error: task failed\ndss: error: htop is gone\n-> dss pins update htop\n")
    }

    @Test("without a cause, the failure stays as it is")
    func noCause() async {
        let errors = Buffer()
        var failure = Failure(.failed, "task failed")
        failure.inquiry = { nil }
        let code = await Main.run(["doctor"], in: PretendWorld().live(Buffer(), errors)) { [failure] _ in throw failure
        }
        #expect(code == 1 && errors.text == "dss: error: task failed\n")
    }

    @Test("with --json, both are one failure")
    func json() async {
        let output = Buffer()
        var failure = Failure(.failed, "task failed")
        failure.inquiry = { Self.cause }
        let code = await Main.run(["doctor", "--json"], in: PretendWorld().live(output, Buffer())) { [failure] _ in
            throw failure
        }
        #expect(code == 65)
        #expect(output.text.split(separator: "\n").count == 1)
        #expect(output.text.contains("task failed") && output.text.contains("htop is gone"))
    }
}
