import Sandbox
import Testing
import Workbench

@testable import Verification

struct MessageOfTheDayTests {
    private let login = """
        Linux vm 6.1\r
        \r
        JupyterLab runs on this machine:\r
            http://10.0.2.15:49494/lab/tree/00-start.ipynb?token=0123456789abcdef0123456789abcdef0123456789abcdef\r
        On your computer, if port 49494 is forwarded:\r
            http://localhost:49494/lab/tree/00-start.ipynb?token=0123456789abcdef0123456789abcdef0123456789abcdef\r
        \r
        To set a password for JupyterLab, type:\r
            change-jupyter-password\r
        echo end-of''-message; exit\r
        Last login: today\r
        ubuntu@vm:~$ echo end-of''-message; exit\r
        end-of-message\r
        logout\r

        """

    @Test func addressTokenAndCommandAreFound() throws {
        let message = MessageOfTheDay(login)
        let link = try #require(message.link(port: 49494))
        #expect(link.address == "http://10.0.2.15:49494/lab/tree/00-start.ipynb")
        #expect(link.path == "/lab/tree/00-start.ipynb?token=0123456789abcdef0123456789abcdef0123456789abcdef")
        #expect(link.token == Secret("0123456789abcdef0123456789abcdef0123456789abcdef"))
        #expect(message.link(port: 8888) == nil)
        #expect(message.command == "change-jupyter-password")
        #expect(!message.needsTunnel(to: 49494))
    }

    @Test func aTunnelIsFound() {
        let tunnel = "    ssh -L 49494:localhost:49494 ubuntu@10.0.2.15\r\n"
        let message = MessageOfTheDay(tunnel + login.replacing("10.0.2.15", with: "localhost"))
        #expect(message.needsTunnel(to: 49494) && !message.needsTunnel(to: 8888))
        #expect(message.link(port: 49494)?.address == "http://localhost:49494/lab/tree/00-start.ipynb")
        #expect(message.command == "change-jupyter-password")
    }

    @Test(arguments: ["http://h:1/lab", "http://h:1/lab?token=", "http://h:1/lab?token=abc", "http://h:1/lab?x=1"])
    func anAddressMayHaveNoToken(word: String) throws {
        let link = try #require(JupyterLink(word, port: 1))
        #expect(link.address == "http://h:1/lab")
        #expect(link.token == nil)
    }

    @Test(arguments: ["", "Linux vm\r\nLast login: today\r\n"])
    func aLoginWithoutItHasNeither(heard: String) {
        let message = MessageOfTheDay(heard)
        #expect(message.link(port: 49494) == nil)
        #expect(message.command == nil)
    }
}
