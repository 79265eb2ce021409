import Testing

@testable import Sandbox

@Suite("Playbook steps end at checkpoints")
struct PlaybookStepsTests {
    @Test(
        arguments: [
            (["a", "b", "c"], ["b"], [["a", "b"], ["c"]]), (["a", "b", "c"], [], [["a", "b", "c"]]),
            (["a", "b", "c"], ["c"], [["a", "b", "c"]]), (["a", "b", "c"], ["a", "b", "c"], [["a"], ["b"], ["c"]]),
            (["a", "b", "c"], ["c", "a"], [["a"], ["b", "c"]]), ([], [], []), (["a"], ["x"], [["a"]]),
        ] as [([String], [String], [[String]])])
    func steps(roles: [String], checkpoints: [String], groups: [[String]]) {
        let playbook = SandboxDefinition.Playbook(file: "", pins: "", roles: roles, checkpoints: checkpoints)
        #expect(playbook.steps.map(\.roles) == groups)
        #expect(playbook.steps.map(\.index) == Array(groups.indices))
        #expect(playbook.steps.map(\.includesTasks) == groups.indices.map { $0 == groups.count - 1 })
    }
}
