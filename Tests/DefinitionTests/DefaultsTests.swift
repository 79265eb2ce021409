import Sandbox
import Testing

@testable import Definition

@Suite("Defaults")
struct DefaultsTests {
    @Test func `name and version are all that is needed`() throws {
        let loaded = try source(minimal).loadDefinition()
        #expect(
            loaded.definition
                == SandboxDefinition(
                    name: "lab", version: "0.1.0",
                    playbook: .init(
                        file: "/home/playbook/site.yml", pins: "/home/pins.yaml", roles: ["base", "docker", "jupyter"],
                        checkpoints: ["docker"])))
        #expect(loaded.origin("name") == .file("sandbox.yaml", line: 1, column: 7))
        #expect(loaded.origin("disk.size") == .default)
    }

    @Test func `every value of the file arrives`() throws {
        let yaml = """
            name: lab
            version: 6.1.0
            base:
              {distribution: ubuntu, suite: noble, mirror: "http://mirror.example/ubuntu", security_mirror: none,
              sources: mirror, architecture: amd64}
            disk: {size: 12GiB}
            user: {name: lab_user}
            playbook:
              file: ../other/site.yml
              pins: /etc/pins.yaml
              checkpoints: [base, docker]
              variables: {theme: dark, workers: 4, debug: no, extras: [a, b], deep: {x: 1}}
            ports: {jupyter: 8888}
            formats: [raw, ova]
            github: {repository: me/mine}
            aws:
              regions: [eu-west-1, us-gov-west-1]
              instance_type: m7i.large
              volume_size: 1TiB
              source_image: {owner: self, name: my-image-*}
            names: {tag_key: "team:id", bucket_prefix: a/b, ami: "X-<asset-id>", stack: "Y-<asset-id>"}
            """
        var files = source(yaml)
        files.files = .memory(["/home/sandbox.yaml": yaml, "/other/site.yml": playbook])
        let definition = try files.loadDefinition().definition
        #expect(
            definition
                == SandboxDefinition(
                    name: "lab", version: "6.1.0",
                    base: .init(
                        distribution: .ubuntu, suite: "noble", mirror: "http://mirror.example/ubuntu",
                        securityMirror: "none", sources: .mirror),
                    disk: .init(sizeMiB: 12288), user: .init(name: "lab_user"),
                    playbook: .init(
                        file: "/other/site.yml", pins: "/etc/pins.yaml", roles: ["base", "docker", "jupyter"],
                        checkpoints: ["base", "docker"],
                        variables: [
                            "theme": .string("dark"), "workers": .integer(4), "debug": .boolean(false),
                            "extras": .list([.string("a"), .string("b")]), "deep": .map(["x": .integer(1)]),
                        ]),
                    ports: .init(jupyter: 8888), formats: [.raw, .ova], github: .init(repository: "me/mine"),
                    aws: .init(
                        regions: ["eu-west-1", "us-gov-west-1"], instanceType: "m7i.large", volumeSizeGiB: 1024,
                        sourceImage: .init(owner: "self", name: "my-image-*")),
                    names: .init(tagKey: "team:id", bucketPrefix: "a/b", ami: "X-<asset-id>", stack: "Y-<asset-id>")))
    }

    @Test(arguments: [
        ("base: {distribution: ubuntu}", "jammy"), ("base: {distribution: debian}", "bookworm"), ("", "bookworm"),
        ("base: {suite: forky2030}", "forky2030"),
    ])
    func `the suite follows the distribution`(lines: String, suite: String) throws {
        #expect(try source(minimal + lines).loadDefinition().definition.base.suite == suite)
    }

    @Test(arguments: [
        ("", "136693071363", "debian-12-amd64-*"),
        ("base: {suite: trixie, architecture: arm64}\nformats: [raw]", "136693071363", "debian-13-arm64-*"),
        ("base: {suite: stable}", "136693071363", "debian-stable-amd64-*"),
        (
            "base: {distribution: ubuntu}", "099720109477",
            "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*"
        ),
        (
            "base: {distribution: ubuntu, suite: noble}", "099720109477",
            "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"
        ),
        (
            "base: {distribution: ubuntu, suite: zesty2030}", "099720109477",
            "ubuntu/images/hvm-ssd-gp3/ubuntu-zesty2030-*-amd64-server-*"
        ),
        ("aws: {source_image: {owner: self}}", "self", "debian-12-amd64-*"),
        ("aws: {source_image: {name: mine-*}}", "136693071363", "mine-*"),
    ])
    func `the image on AWS follows the base`(lines: String, owner: String, name: String) throws {
        let image = try source(minimal + lines).loadDefinition().definition.aws.sourceImage
        #expect(image == .init(owner: owner, name: name))
    }

    @Test func `an SSM parameter may name the image on AWS`() throws {
        let name = "/aws/service/debian/release/12/latest/amd64"
        let loaded = try source(minimal + "aws: {source_image: {parameter: \(name)}}").loadDefinition()
        #expect(loaded.definition.aws.sourceImage.parameter == name)
        let flag = source(
            minimal, overrides: [Override("aws.source_image.parameter", name, flag: "--set")])
        #expect(try flag.loadDefinition().definition.aws.sourceImage.parameter == name)
        #expect(!(try source(minimal).loadDefinition().yaml().contains("parameter")))
    }

    @Test(arguments: [
        "disk:\n", "disk:\n  # size: 9GiB\nports: ~\n", "x: &x {jupyter: 8080}\n".replacing("x:", with: "ports:"),
        "disk: &d {size: 8GiB}\naws: {volume_size: 100GiB}\n", "---\n".replacing("---\n", with: "# end\n"),
    ])
    func `empty sections and anchors are fine`(lines: String) {
        #expect(mistakes(lines) == [])
    }

    @Test func `merged mappings count, and the nearer value wins`() throws {
        let yaml =
            minimal + """
                playbook:
                  variables:
                    one: &one {a: 1, b: 2}
                    two: {<<: *one, b: 3}
                """
        let variables = try source(yaml).loadDefinition().definition.playbook.variables
        #expect(variables["two"] == .map(["a": .integer(1), "b": .integer(3)]))
    }
}
