import Sandbox
import Testing

@testable import Definition

@Suite("Flags win over the environment, the environment over the file, the file over defaults")
struct PrecedenceTests {
    @Test(arguments: [
        (false, false, false, 49494, "default"), (true, false, false, 1001, "sandbox.yaml:3"),
        (true, true, false, 1002, "environment DSS_PORTS_JUPYTER"), (true, true, true, 1003, "flag --jupyter-port"),
        (false, true, false, 1002, "environment DSS_PORTS_JUPYTER"),
    ])
    func `the stronger source`(file: Bool, variable: Bool, flag: Bool, port: Int, origin: String) throws {
        let loaded = try source(
            minimal + (file ? "ports: {jupyter: 1001}" : ""),
            overrides: flag ? [Override("ports.jupyter", "1003", flag: "--jupyter-port")] : [],
            environment: variable ? ["DSS_PORTS_JUPYTER": "1002"] : [:]
        ).loadDefinition()
        #expect(loaded.definition.ports.jupyter == port)
        #expect(loaded.origin("ports.jupyter").origin == origin)
    }

    @Test func `lists, sizes and variables as text`() throws {
        let loaded = try source(
            minimal + "playbook: {variables: {a: 1, b: 2}}",
            overrides: [
                Override(set: "disk.size=12GiB"), Override(set: "playbook.variables.b=[x, 2]"),
                Override(set: "playbook.file=mine/site.yml"),
            ],
            environment: [
                "DSS_FORMATS": "vhd, raw", "DSS_PLAYBOOK_VARIABLES_c": "true", "DSS_DISK_SIZE": "9GiB",
                "DSS_USER_NAME": "", "DSS_DEFAULT_PASSWORD": "secret", "HOME": "/root",
            ], playbook: playbook
        ).with(file: "/home/mine/site.yml", playbook).loadDefinition()
        #expect(loaded.definition.disk.sizeMiB == 12288)
        #expect(loaded.definition.formats == [.vhd, .raw])
        #expect(loaded.definition.user.name == "ubuntu")
        #expect(loaded.definition.playbook.file == "/home/mine/site.yml")
        #expect(
            loaded.definition.playbook.variables == [
                "a": .integer(1), "b": .list([.string("x"), .integer(2)]), "c": .boolean(true),
            ])
    }

    @Test(arguments: ["formats=vhd,raw", "formats=[vhd, raw]", "formats= [ vhd , 'raw' ] "])
    func `a list is written with commas or as in YAML`(assignment: String) throws {
        let loaded = try source(minimal, overrides: [Override(set: assignment)]).loadDefinition()
        #expect(loaded.definition.formats == [.vhd, .raw])
        let fromEnvironment = try source(minimal, environment: ["DSS_FORMATS": "[vhd, raw]"]).loadDefinition()
        #expect(fromEnvironment.definition.formats == [.vhd, .raw])
    }

    @Test(
        arguments: [
            (
                ["formats=[vhd, iso]"], [:],
                [
                    "flag --set formats: error: 'formats' cannot be 'iso', use one of vhd, vmdk, raw, qcow2, ova, vhd-fixed, vhdx, gcp, vmdk-sparse"
                ]
            ),
            (
                ["ports.jupyter=0"], [:],
                [
                    "flag --set ports.jupyter: error: 'ports.jupyter' must be a whole number from 1 to 65535, found '0', for example 49494"
                ]
            ),
            (
                ["disk.siez=8GiB"], [:],
                ["flag --set disk.siez: error: unknown key 'disk.siez', did you mean 'disk.size'?"]
            ),
            (["disk=8GiB"], [:], ["flag --set disk: error: unknown key 'disk', use one of disk.size"]),
            (["size=8GiB"], [:], ["flag --set size: error: unknown key 'size', did you mean 'disk.size'?"]),
            (["formats="], [:], ["flag --set formats: error: 'formats' is empty, for example [vhd, vmdk]"]),
            (
                ["playbook.variables.edition=x"], [:],
                [
                    "flag --set playbook.variables.edition: error: the variable 'edition' is set by the command itself, choose another name"
                ]
            ),
            (
                [], ["DSS_FORMATS": "vhd,iso"],
                [
                    "environment DSS_FORMATS: error: 'formats' cannot be 'iso', use one of vhd, vmdk, raw, qcow2, ova, vhd-fixed, vhdx, gcp, vmdk-sparse"
                ]
            ),
            (
                [], ["DSS_DISK_SIZ": "8GiB"],
                [
                    "environment DSS_DISK_SIZ: error: unknown environment variable 'DSS_DISK_SIZ', did you mean 'DSS_DISK_SIZE'?"
                ]
            ),
        ] as [([String], [String: String], [String])])
    func `mistakes name the flag or the variable`(
        flags: [String], environment: [String: String], expected: [String]
    ) throws {
        let flags = try flags.map { try Override(set: $0) }
        let failure = try #require(throws: Failure.self) {
            try source(minimal, overrides: flags, environment: environment).loadDefinition()
        }
        #expect(failure.details == expected)
        #expect(failure.code == .usage)
    }

    @Test func `a flag does not hide a mistake in the file`() {
        let found = mistakes(
            in: source(minimal + "disk: {size: 1GiB}", overrides: [Override("disk.size", "8GiB", flag: "--disk")]))
        #expect(found.count == 1)
    }

    @Test(arguments: ["disk.size", "=8GiB", ""])
    func `set wants a key and a value`(assignment: String) {
        #expect(throws: Failure.self) { try Override(set: assignment) }
    }
}

extension DefinitionSource {
    fileprivate func with(file path: String, _ text: String) -> DefinitionSource {
        var copy = self
        let read = files.read
        copy.files.read = { try $0 == path ? Array(text.utf8) : read($0) }
        return copy
    }
}
