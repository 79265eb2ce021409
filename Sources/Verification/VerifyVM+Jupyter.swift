import Sandbox
import Workbench

/// What is checked of JupyterLab.
extension Verification {
    func checkJupyter(_ visit: Visit<Runner>, _ jupyter: JupyterClient<Runner>) async throws {
        let hasPassword = await log.passed(.newPasswordAccepted)
        try await log.make(.jupyterUp) {
            if visit.address.remote != nil, !hasPassword {
                return .skipped("it is reached through SSH, and '\(Check.newPasswordAccepted.rawValue)' did not pass")
            }
            try await visit.openTunnel()
            let answer = try await waitForJupyter(jupyter)
            guard answer.asksForPassword else { return .failed("/lab answers \(answer) to a stranger") }
            let api = try await jupyter.get("/api/contents")
            return [401, 403].contains(api.status) ? .passed() : .failed("/api/contents answers \(api) to a stranger")
        }
        try await log.make(.jupyterRefuses) {
            let answer = try await jupyter.logIn(with: Secret("not-the-password"))
            guard !answer.letsIn else { return .failed("the form answers \(answer)") }
            let lab = try await jupyter.get("/lab")
            return lab.asksForPassword ? .passed() : .failed("/lab answers \(lab) afterwards")
        }
        try await log.make(.jupyterLab) { try await enter(jupyter, with: expectations.jupyterPassword) }
        try await log.make(.jupyterAPI) {
            let answer = try await jupyter.get("/api/kernelspecs")
            return answer.status == 200 ? .passed() : .failed("/api/kernelspecs answers \(answer)")
        }
    }

    func checkChangeOfJupyterPassword(
        _ visit: Visit<Runner>, _ jupyter: JupyterClient<Runner>, _ message: MessageOfTheDay?
    ) async throws {
        let password = Secret.random()
        try await log.make(.jupyterChange) {
            try await visit.changeJupyterPassword(by: message?.command ?? "", to: password)
        }
        try await log.make(.messageGoes) {
            let message = try await visit.readMessage()
            let stays = message.mentionsJupyter(port: expectations.jupyterPort)
            return stays ? .failed("a login still shows: \(message.text.lastLines)") : .passed()
        }
        try await log.make(.jupyterNewPassword) {
            _ = try await waitForJupyter(jupyter)
            guard case .passed = try await enter(jupyter, with: password) else {
                return .failed("the new password is refused")
            }
            let answer = try await jupyter.logIn(with: expectations.jupyterPassword)
            return answer.letsIn ? .failed("the default password is still taken") : .passed()
        }
    }

    private func enter(_ jupyter: JupyterClient<Runner>, with password: Secret) async throws -> Verdict {
        let answer = try await jupyter.logIn(with: password)
        guard answer.letsIn else { return .failed("the form answers \(answer)") }
        let lab = try await jupyter.get("/lab", limit: 60)
        return lab.status == 200 ? .passed() : .failed("/lab answers \(lab) after login")
    }

    private func waitForJupyter(_ jupyter: JupyterClient<Runner>) async throws -> JupyterClient<Runner>.Answer {
        let start = ContinuousClock.now
        while true {
            let answer = try await jupyter.get("/lab")
            if answer.status != 0 { return answer }
            let waited = ContinuousClock.now - start
            guard waited < expectations.limits.services else { throw CheckFailed("JupyterLab gives \(answer)") }
            onProgress(Progress("waiting for JupyterLab, \(waited.components.seconds) s"))
            try await Task.sleep(for: .seconds(1))
        }
    }
}
