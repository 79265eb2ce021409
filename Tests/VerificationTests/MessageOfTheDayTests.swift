import Sandbox
import Testing
import Workbench

@testable import Verification

struct MessageOfTheDayTests {
    private let login = """
        Linux vm 6.1\r
        \r
        JupyterLab runs on this machine:\r
            http://10.0.2.15:49494/lab\r
        \r
        To change it, type:\r
            change-jupyter-password\r
        echo end-of''-message; exit\r
        Last login: today\r
        ubuntu@vm:~$ echo end-of''-message; exit\r
        end-of-message\r
        logout\r

        """

    @Test func addressAndCommandAreFound() {
        let message = MessageOfTheDay(login)
        #expect(message.address(port: 49494) == "http://10.0.2.15:49494/lab")
        #expect(message.address(port: 8888) == nil)
        #expect(message.command == "change-jupyter-password")
        #expect(message.mentionsJupyter(port: 49494))
    }

    @Test(arguments: ["", "Linux vm\r\nLast login: today\r\n"])
    func aLoginWithoutItHasNeither(heard: String) {
        let message = MessageOfTheDay(heard)
        #expect(message.address(port: 49494) == nil)
        #expect(message.command == nil)
        #expect(!message.mentionsJupyter(port: 49494))
    }
}
