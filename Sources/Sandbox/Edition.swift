/// What a sandbox is made for: a machine of its own, or a container. Known to the playbook by its raw value.
package enum Edition: String, Sendable, Codable, CaseIterable {
    case vm, container
}
