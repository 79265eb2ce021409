import Definition
import Glibc
import LocalProvider
import Provisioning
import Sandbox
import Workbench

/// Checks of a sandbox that need no machine.
extension Live {
    func playbookCheck(_ options: DefinitionOptions) -> PlaybookCheck {
        let ansible = tool("ansible-playbook", options)
        // The interpreter that has the modules of this Ansible.
        let own = "\(parentDirectory(ansible))/python3"
        return PlaybookCheck(
            runner: runner, python: ansible.hasPrefix("/") && fileExists(own) ? own : "python3", ansible: ansible)
    }

    /// Looks at everything that a build on this host uses.
    func check(_ options: DefinitionOptions, _ place: DirectoryOptions) async throws -> SandboxCheck {
        let source = try source(options)
        var result = SandboxCheck()
        let definition: SandboxDefinition
        do {
            let sandbox = try checked(source.loadSandbox(), options)
            definition = sandbox.definition.definition
            result.parts = [
                CheckedPart(name: "definition", count: 1),
                CheckedPart(name: "roles", count: definition.playbook.roles.count),
                CheckedPart(name: "pins", count: sandbox.pins.pins.flat.count),
            ]
        } catch let failure as Failure where failure.code == .badData {
            let errors = failure.details.isEmpty ? [failure.message] : failure.details
            // Mistakes in the pins keep nobody from looking at the playbook.
            guard let loaded = try? source.loadDefinition() else {
                result.parts = [CheckedPart(name: "definition", count: 1, errors: errors)]
                return result
            }
            definition = loaded.definition
            let pins = try? source.loadSandbox(requiringCompletePins: false).pins.pins.flat.count
            result.parts = [
                CheckedPart(name: "definition", count: 1),
                CheckedPart(name: "roles", count: definition.playbook.roles.count),
                CheckedPart(name: "pins", count: pins ?? 0, errors: errors),
            ]
        }
        let (check, playbook) = (playbookCheck(options), definition.playbook)
        do { try check.requireFiles(of: playbook) } catch {
            result.failures.append(error)
            return result
        }
        let isValid = result.errors.isEmpty
        async let next = isValid ? plan(of: definition, options, place) : nil
        async let files = check.files(of: playbook, variables: AnsibleProvisioner.variableNames(of: definition))
        async let play = check.play(of: playbook)
        do { result.parts += try await files } catch { result.failures.append(error) }
        do { result.parts += CheckedPart.unrepeated(try await play, after: result.parts) } catch {
            result.failures.append(error)
        }
        try Task.checkCancellation()
        result.plan = try await next
        return result
    }

    private func plan(
        of definition: SandboxDefinition, _ options: DefinitionOptions, _ place: DirectoryOptions
    ) async throws -> BuildPlan {
        let order = BuildOrder(assetID: try definition.defaultAssetID, definition: definition, password: nil)
        return try await provider(for: order, options, place).plan(order)
    }
}

/// What `dss check` found.
struct SandboxCheck: Sendable {
    var parts: [CheckedPart] = []
    /// Why something could not be looked at.
    var failures: [any Error] = []
    /// What a build would do; `nil` if the definition or the pins have errors.
    var plan: BuildPlan?

    var errors: [String] { parts.flatMap(\.errors) }
}
