import Sandbox

@testable import Definition

/// A playbook as users write them: names and mappings, `tidy` at the end.
let playbook = """
    - hosts: all
      become: true
      roles:
        - base
        - role: docker
          tags: [docker]
        - jupyter
        - tidy
    """

let minimal = "name: lab\nversion: 0.1.0\n"

/// The definition in `/home/sandbox.yaml`, with a playbook beside it.
func source(
    _ yaml: String, overrides: [Override] = [], environment: [String: String] = [:], playbook: String? = playbook,
    pins: String? = nil
) -> DefinitionSource {
    var files = ["/home/sandbox.yaml": yaml]
    files["/home/playbook/site.yml"] = playbook
    files["/home/pins.yaml"] = pins
    return DefinitionSource(
        overrides: overrides, environment: environment, currentDirectory: "/home", files: .memory(files))
}

/// The mistakes that are reported, one line each.
func mistakes(in source: DefinitionSource) -> [String] {
    do {
        _ = try source.loadDefinition()
        return []
    } catch let failure as Failure {
        return failure.details
    } catch {
        return ["\(error)"]
    }
}

/// The mistakes in the minimal definition with `lines` behind it, which begin in line 3.
func mistakes(_ lines: String) -> [String] { mistakes(in: source(minimal + lines)) }
