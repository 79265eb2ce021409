import Sandbox
import Testing

@testable import Definition

@Suite("Mistakes are reported with place and correction")
struct MistakesTests {
    @Test(arguments: [
        ("ports: {jupiter: 1}", "3:9: error: unknown key 'jupiter', did you mean 'jupyter'?"),
        ("jupyter: 1", "3:1: error: unknown key 'jupyter', did you mean 'ports.jupyter'?"),
        ("aws: {instanceType: a.b}", "3:7: error: unknown key 'instanceType', did you mean 'instance_type'?"),
        ("disk: {colour: 1}", "3:8: error: unknown key 'colour', valid keys here are size"),
        ("disk: 8GiB", "3:7: error: 'disk' must be a mapping, found the string '8GiB', for example {size: 8GiB}"),
        (
            "disk: {size: [8]}",
            "3:14: error: 'disk.size' must be a size from 4GiB to 2TiB, found a list, for example 8GiB"
        ),
        ("disk: {size: 8}", "3:14: error: 'disk.size' must be in MiB, GiB or TiB, found '8', did you mean 8GiB?"),
        ("disk: {size: 8GB}", "3:14: error: 'disk.size' must be in MiB, GiB or TiB, found '8GB', did you mean 8GiB?"),
        (
            "disk: {size: 3GiB}",
            "3:14: error: 'disk.size' must be a size from 4GiB to 2TiB, found the string '3GiB', for example 8GiB"
        ),
        (
            "aws: {volume_size: 9000MiB}",
            "3:20: error: 'aws.volume_size' must be a whole number of GiB, found '9000MiB', for example 100GiB"
        ),
        (
            "ports: {jupyter: 70000}",
            "3:18: error: 'ports.jupyter' must be a whole number from 1 to 65535, found the number 70000, for example 49494"
        ),
        (
            "ports: {jupyter: '80'}",
            "3:18: error: 'ports.jupyter' must be a whole number from 1 to 65535, found a quoted string, write 80 without quotes"
        ),
        ("ports: {jupyter: 22}", "3:18: error: 'ports.jupyter' must not be 22: sshd listens there, for example 49494"),
        (
            "ports: {jupyter: }",
            "3:18: error: 'ports.jupyter' must be a whole number from 1 to 65535, found nothing, for example 49494"
        ),
        ("formats: []", "3:10: error: 'formats' is empty, for example [vhd, vmdk]"),
        ("formats: vhd", "3:10: error: 'formats' must be a list, found the string 'vhd', for example [vhd, vmdk]"),
        ("formats: [vhd, raw, vhd]", "3:21: error: 'formats' lists the string 'vhd' twice, keep one"),
        ("formats: [VHD]", "3:11: error: 'formats' cannot be 'VHD', did you mean 'vhd'?"),
        (
            "formats: [iso]",
            "3:11: error: 'formats' cannot be 'iso', use one of vhd, vmdk, raw, qcow2, ova, vhd-fixed, vhdx, gcp, vmdk-sparse"
        ),
        (
            "user: {name: root}",
            "3:14: error: 'user.name' must not be 'root', which is a system account or group, for example ubuntu"
        ),
        (
            "user: {name: Me}",
            "3:14: error: 'user.name' must be 1 to 32 lowercase letters, digits, dashes and underscores, starting with a letter, found 'Me', for example ubuntu"
        ),
        (
            "base: {mirror: hots}",
            "3:16: error: 'base.mirror' must be an http, https or file URL, or 'host', found 'hots', did you mean 'host'?"
        ),
        (
            "base: {mirror: mirror.example/debian}",
            "3:16: error: 'base.mirror' must be an http, https or file URL, or 'host', found 'mirror.example/debian', did you mean 'https://mirror.example/debian'?"
        ),
        (
            "base: {mirror: 'https://anna:s3cret@mirror.example/a b'}",
            "3:16: error: 'base.mirror' must be an http, https or file URL, or 'host', found 'https://•••@mirror.example/a b', encode special characters, for example / in a password as %2F, @ as %40 and a space as %20"
        ),
        (
            "base: {mirror: 'https://•••@mirror.example/debian'}",
            "3:16: error: 'base.mirror' contains •••, which `dss definition` prints instead of user name and password, write the user name and the password"
        ),
        (
            "base: {security_mirror: nome}",
            "3:25: error: 'base.security_mirror' must be an http, https or file URL, or 'none', found 'nome', did you mean 'none'?"
        ),
        (
            "base: {security_mirror: host}",
            "3:25: error: 'base.security_mirror' must be an http, https or file URL, or 'none', found 'host', for example https://deb.debian.org/debian-security, or none for a mirror without security updates"
        ),
        (
            "base: {sources: mirror}",
            "3:17: error: base.sources is mirror, but base.mirror is 'host', which an image cannot use, set base.mirror to an http or https URL, or base.sources to public"
        ),
        (
            "base: {mirror: 'http://m.example/debian', security_mirror: 'file:///srv/s', sources: mirror}",
            "3:86: error: base.sources is mirror, but base.security_mirror is 'file:///srv/s', which an image cannot use, set base.security_mirror to an http or https URL, or base.sources to public"
        ),
        (
            "base: {distribution: ubuntu, architecture: arm64, security_mirror: 'http://security.ubuntu.com/ubuntu'}\nformats: [raw]",
            "3:68: error: security.ubuntu.com has no packages for arm64, use http://ports.ubuntu.com/ubuntu-ports"
        ),
        (
            "base: {suite: jammy}",
            "3:15: error: 'jammy' is a release of ubuntu, but base.distribution is debian, did you mean 'bookworm', or distribution: ubuntu?"
        ),
        ("base: {suite: bokworm}", "3:15: error: unknown debian release 'bokworm', did you mean 'bookworm'?"),
        (
            "base: {suite: Bookworm}",
            "3:15: error: 'base.suite' must be a release code name in lowercase letters, found 'Bookworm', did you mean 'bookworm'?"
        ),
        (
            "aws: {regions: [eu-central-1a]}",
            "3:17: error: 'aws.regions' must be an AWS region, found 'eu-central-1a', which is an Availability Zone, did you mean 'eu-central-1'?"
        ),
        (
            "aws: {source_image: {owner: 99720109477}}",
            "3:29: error: 'aws.source_image.owner' must be a 12-digit AWS account ID or one of self, amazon, aws-marketplace, found '99720109477', for example '099720109477' (Canonical)"
        ),
        (
            "aws: {source_image: {parameter: 'resolve:ssm:/my/image'}}",
            "3:33: error: 'aws.source_image.parameter' must be the name of an SSM parameter: letters, digits, dots, dashes, underscores and slashes, found 'resolve:ssm:/my/image', did you mean '/my/image'?"
        ),
        (
            "names: {tag_key: 'aws:x'}",
            "3:18: error: 'names.tag_key' must not begin with 'aws:', which is reserved for AWS, for example exa_dss_id"
        ),
        (
            "names: {ami: Sandbox}",
            "3:14: error: 'names.ami' must contain '<asset-id>', so that each build has a unique name, for example Sandbox-<asset-id>"
        ),
        (
            "names: {stack: 'S-<asset_id>'}",
            "3:16: error: 'names.stack' must contain '<asset-id>', so that each build has a unique name, did you mean 'S-<asset-id>'?"
        ),
        (
            "variants: [big]",
            "3:11: error: 'variants' must be a mapping of names to settings, found a list, for example {big: {disk.size: 16GiB}}"
        ),
        (
            "variants: {Big: {disk.size: 16GiB}}",
            "3:12: error: variant name 'Big' is not valid in asset ids, use up to 24 lowercase letters, digits and dashes"
        ),
        (
            "variants: {big: {disk.sice: 16GiB}}",
            "3:18: error: a variant cannot set 'disk.sice', did you mean 'disk.size'?"
        ),
        (
            "variants: {big: {version: 2.0.0}}",
            "3:18: error: a variant cannot set 'version', all variants share this key"
        ),
        (
            "variants: {gpu: {playbook.variables.edition: container}}",
            "3:18: error: the variable 'edition' is set by the command itself, choose another name"
        ),
        (
            "variants: {big: {disk.size: 16}}",
            "3:29: error: 'disk.size' must be in MiB, GiB or TiB, found '16', did you mean 16GiB?"
        ),
        (
            "variants: {big: 16GiB}",
            "3:17: error: 'variants.big' must be a mapping of keys to values, found the string '16GiB', for example {disk.size: 16GiB}"
        ),
        (
            "names: {bucket_prefix: ../x}",
            "3:24: error: 'names.bucket_prefix' must be names of letters, digits, dots, dashes and underscores, separated by single slashes, found '../x', for example data_science_sandbox"
        ),
        (
            "github: {repository: 'https://github.com/me/mine.git'}",
            "3:22: error: 'github.repository' must be OWNER/NAME, found 'https://github.com/me/mine.git', did you mean 'me/mine'?"
        ),
        ("playbook: {checkpoints: [dokcer]}", "3:26: error: the playbook has no role 'dokcer', did you mean 'docker'?"),
        (
            "playbook: {checkpoints: [tidy]}",
            "3:26: error: the playbook has no role 'tidy' that can be a checkpoint, its roles are base, docker, jupyter"
        ),
        ("playbook: {file: none.yml}", "3:18: error: file 'none.yml' not found"),
        (
            "playbook: {variables: {jupyter_port: 1}}",
            "3:24: error: the variable 'jupyter_port' is set by 'ports.jupyter', set 'ports.jupyter' instead"
        ),
        (
            "playbook: {variables: {edition: x}}",
            "3:24: error: the variable 'edition' is set by the command itself, choose another name"
        ),
        (
            "playbook: {variables: {my-theme: x}}",
            "3:24: error: 'my-theme' is not a valid Ansible variable name, use letters, digits and underscores, for example my_theme"
        ),
        (
            "playbook: {variables: {python: 3.10}}",
            "3:32: error: 'playbook.variables.python' is the number 3.10, which YAML may round, put it in quotes: \"3.10\""
        ),
        (
            "base: {architecture: arm64}",
            "3:22: error: format vhd requires BIOS firmware, which arm64 machines do not have, set formats, for example formats: [vmdk, qcow2]"
        ),
        (
            "disk: {size: 2041GiB}",
            "3:14: error: a vhd image holds at most 2040GiB, reduce disk.size or remove vhd from formats"
        ),
        (
            "disk: {size: 2041GiB}\nformats: [vhd-fixed, vhdx]",
            "3:14: error: a vhd-fixed image holds at most 2040GiB, reduce disk.size or remove vhd-fixed from formats"
        ),
        (
            "disk: {size: 8193MiB}\nformats: [vhd-fixed, gcp]",
            "3:14: error: a gcp image has a size in whole GiB, round disk.size or remove gcp from formats"
        ),
    ])
    func `one mistake`(lines: String, mistake: String) {
        #expect(mistakes(lines) == ["sandbox.yaml:\(mistake)"])
    }

    @Test func `all mistakes come at once, in the order of the file`() throws {
        let yaml = """
            name: [lab]
            base:
              mirror: host
              suit: bookworm
              mirror: host
            ports:
              jupyter: 22
            nmae: lab
            formats: [vhd, vhdy]
            """
        let failure = try #require(throws: Failure.self) { try source(yaml).loadDefinition() }
        #expect(failure.code == .badData)
        #expect(failure.message == "sandbox.yaml has 7 errors")
        #expect(
            failure.details == [
                "sandbox.yaml:1:1: error: the key 'version' is missing, for example version: 0.1.0",
                "sandbox.yaml:1:7: error: 'name' must be a short name, found a list, for example data-science-sandbox",
                "sandbox.yaml:4:3: error: unknown key 'suit', did you mean 'suite'?",
                "sandbox.yaml:5:3: error: duplicate key 'mirror', first set in line 3, keep one of them",
                "sandbox.yaml:7:12: error: 'ports.jupyter' must not be 22: sshd listens there, for example 49494",
                "sandbox.yaml:8:1: error: unknown key 'nmae', did you mean 'name'?",
                "sandbox.yaml:9:16: error: 'formats' cannot be 'vhdy', did you mean 'vhd'?",
            ])
    }

    @Test(arguments: [
        ("0.1.0 ", nil), ("1.10", nil), ("-1", "letter or a digit"), ("a/b", "contains '/'"), ("''", "has 0"),
    ])
    func `a version is an asset id`(version: String, problem: String?) {
        let found = mistakes(in: source("name: lab\nversion: \(version)\n"))
        #expect(found.count == (problem == nil ? 0 : 1))
        if let problem { #expect(found.first?.contains(problem) == true) }
    }

    @Test func `there is no definition`() throws {
        let nothing = DefinitionSource(currentDirectory: "/home", files: .memory([:]))
        let failure = try #require(throws: Failure.self) { try nothing.loadDefinition() }
        #expect(failure.code == .usage)
        #expect(failure.message == "definition 'sandbox.yaml' not found")
    }
}
