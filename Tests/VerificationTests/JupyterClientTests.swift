import Sandbox
import Testing
import Workbench

@testable import Verification

struct JupyterClientTests {
    typealias Answer = JupyterClient<SystemCommandRunner>.Answer

    @Test(arguments: [
        ("200 ", 200, false, false), ("302 http://h:1/login?next=%2Flab", 302, true, false),
        ("302 http://h:1/lab", 302, false, true), ("401", 401, false, false), ("000", 0, false, false),
        ("", 0, false, false),
    ])
    func answersAreRead(line: String, status: Int, asks: Bool, letsIn: Bool) {
        let answer = Answer(line)
        #expect(answer.status == status)
        #expect(answer.asksForPassword == asks)
        #expect(answer.letsIn == letsIn)
    }

    @Test func cookiesAreReadFromTheJar() {
        let jar = CookieJar(
            "# Netscape HTTP Cookie File\n\nh\tFALSE\t/\tFALSE\t0\t_xsrf\t2|a|b\n#HttpOnly_h\tFALSE\t/\tFALSE\t0\tuser\tx\n"
        )
        #expect(jar["_xsrf"] == "2|a|b")
        #expect(jar["user"] == "x")
        #expect(jar["none"] == nil)
    }
}
